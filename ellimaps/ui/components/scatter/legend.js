// The legend: groups that a click hides and a double click isolates, or the scale of the values.

import { button, element, gradient, nice } from "../common.js";

// Within this the second click comes; browsers and desktops take up to 500, and the first click waits for it.
const DOUBLE_CLICK_MS = 300;
// Of a saved plot, in pixels.
const ROW = 17;
const SWATCH = 11;
const RAMP = 180;

export class GroupLegend {
  constructor(parent, groups, onChange) {
    Object.assign(this, { groups, onChange, clicked: null });
    this.entries = groups.names.map((name, group) => {
      const title = `${name}: a click hides, a double click isolates`;
      const entry = button(parent, "", title, () => this.onClick(group));
      const swatch = element("span", "swatch", entry);
      element("span", "name", entry, name);
      return { entry, swatch };
    });
    this.refresh();
  }

  refresh() {
    this.entries.forEach(({ entry, swatch }, group) => {
      entry.setAttribute("aria-pressed", !this.groups.hidden.has(group));
      swatch.style.background = this.groups.palette[group];
    });
  }

  // The first click waits for a second one: otherwise a double click would hide before it isolates.
  onClick(group) {
    clearTimeout(this.timer);
    if (this.clicked === group) return this.change(() => this.groups.isolate(group));
    this.clicked = group;
    this.timer = setTimeout(() => this.change(() => this.groups.toggle(group)), DOUBLE_CLICK_MS);
  }

  change(how) {
    this.clicked = null;
    how();
    this.refresh();
    this.onChange();
  }

  // Beside a saved plot: the groups that are shown.
  get texts() {
    return this.rows().map(([name]) => name);
  }

  draw(context, [left, top]) {
    this.rows().forEach(([name, color], row) => {
      context.fillStyle = color;
      context.fillRect(left, top + row * ROW, SWATCH, SWATCH);
      write(context, name, left + SWATCH + 6, top + row * ROW + SWATCH - 1);
    });
  }

  rows() {
    const { names, palette, hidden } = this.groups;
    return names.map((name, group) => [name, palette[group]]).filter((_, group) => !hidden.has(group));
  }

  close() {
    clearTimeout(this.timer);
  }
}

export class ScaleLegend {
  constructor(parent, scale) {
    this.scale = scale;
    const { title, colormap, low, high } = scale;
    element("div", "", parent, title);
    const box = element("div", "scale", parent);
    element("div", "ramp", box).style.background = gradient("to top", colormap);
    const ends = element("div", "ends", box);
    for (const end of [high, low]) element("span", "", ends, nice(end));
  }

  get texts() {
    return [this.scale.title];
  }

  draw(context, [left, top]) {
    const { title, colormap, low, high } = this.scale;
    write(context, title, left, top + SWATCH);
    const height = RAMP / colormap.length;
    colormap.forEach((color, step) => {
      context.fillStyle = `rgb(${color})`;
      context.fillRect(left, top + ROW + RAMP - (step + 1) * height, SWATCH, height + 0.5);
    });
    write(context, nice(high), left + SWATCH + 6, top + ROW + SWATCH);
    write(context, nice(low), left + SWATCH + 6, top + ROW + RAMP);
  }

  close() {}
}

// In pixels, of a legend in the context's letters.
export function legendWidth(context, { texts }) {
  return SWATCH + 16 + Math.max(60, ...texts.map((text) => context.measureText(text).width));
}

function write(context, text, x, y) {
  Object.assign(context, { fillStyle: "#000", textAlign: "left", textBaseline: "alphabetic" });
  context.fillText(text, x, y);
}
