// The legend: groups that a click hides and a double click isolates, or the scale of the values.

import { button, element, gradient, nice } from "../common.js";

// Within this the second click comes; browsers and desktops take up to 500, and the first click waits for it.
const DOUBLE_CLICK_MS = 300;

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

  close() {
    clearTimeout(this.timer);
  }
}

export class ScaleLegend {
  constructor(parent, { title, colormap, low, high }) {
    element("div", "", parent, title);
    const box = element("div", "scale", parent);
    element("div", "ramp", box).style.background = gradient("to top", colormap);
    const ends = element("div", "ends", box);
    for (const end of [high, low]) element("span", "", ends, nice(end));
  }

  close() {}
}
