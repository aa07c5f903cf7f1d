// A scatter plot on one canvas: move, zoom, lasso, rectangle, a legend that hides and isolates, a card on hover.
// It runs together with drawing.js, which comes first.

const DOUBLE_CLICK_MS = 300;
const HEIGHT = 460;
const instances = new WeakMap();

export default function (component) {
  const { parentElement, data } = component;
  let plot = instances.get(parentElement);
  if (!plot) {
    plot = new Scatter(parentElement);
    instances.set(parentElement, plot);
  }
  plot.update(component, data);
  return () => {
    plot.close();
    instances.delete(parentElement);
  };
}

class Scatter extends Drawing {
  constructor(parent) {
    super();
    this.root = parent.querySelector(".scatter");
    this.selected = new Set();
    this.hidden = new Set();
    this.hovered = null;
    this.build();
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    this.observer = new ResizeObserver(() => this.layout());
    this.observer.observe(this.root);
  }

  close() {
    this.observer.disconnect();
    clearTimeout(this.clickTimer);
    this.root.replaceChildren();
  }

  build() {
    this.root.tabIndex = 0;
    this.root.replaceChildren();
    const bar = element("div", "toolbar", this.root);
    this.buttons = {
      lasso: button(bar, "Lasso", "Draw around points to choose them", () => this.choose("lasso")),
      rectangle: button(bar, "Rectangle", "Drag a rectangle to choose points", () => this.choose("rectangle")),
      move: button(bar, "Move", "Drag to move", () => this.choose("move")),
    };
    button(bar, "+", "Zoom in (+)", () => this.zoom(1.5));
    button(bar, "−", "Zoom out (-)", () => this.zoom(1 / 1.5));
    button(bar, "Reset view", "Show all points (0)", () => this.resetView());
    button(bar, "Clear choice", "Choose nothing (Esc)", () => this.select([]));
    this.status = element("span", "status", bar);
    this.status.setAttribute("role", "status");
    const body = element("div", "body", this.root);
    this.plot = element("div", "plot", body);
    this.canvas = element("canvas", "", this.plot);
    this.canvas.setAttribute("role", "img");
    this.context = this.canvas.getContext("2d");
    this.legend = element("div", "legend", body);
    this.card = element("div", "card", this.root);
    this.card.hidden = true;
    const hint = element("div", "hint", this.root);
    hint.textContent = "Ctrl + wheel zooms. Legend: a click hides, a double click isolates.";
    this.canvas.addEventListener("pointerdown", (event) => this.onDown(event));
    this.canvas.addEventListener("pointermove", (event) => this.onMove(event));
    this.canvas.addEventListener("pointerup", (event) => this.onUp(event));
    this.canvas.addEventListener("pointerleave", () => this.hover(null, [0, 0]));
    this.canvas.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    this.choose("lasso");
  }

  choose(tool) {
    this.tool = tool;
    for (const [name, one] of Object.entries(this.buttons)) one.setAttribute("aria-pressed", name === tool);
  }

  update(component, data) {
    this.component = component;
    const samePoints = this.data?.x === data.x && this.data?.y === data.y;
    const sameGroups = this.data?.names?.join("\n") === data.names?.join("\n");
    this.data = data;
    this.x = decode(data.x, Float32Array);
    this.y = decode(data.y, Float32Array);
    this.codes = data.codes ? decode(data.codes, Uint16Array) : null;
    this.values = data.values ? decode(data.values, Float32Array) : null;
    this.canvas.setAttribute("aria-label", `${data.axes[1]} over ${data.axes[0]}, ${this.x.length} points`);
    if (!samePoints) this.selected = new Set();
    if (!sameGroups) this.hidden = new Set();
    this.takeScale();
    this.buildLegend();
    if (!samePoints || !this.view) this.resetView(false);
    this.layout();
    this.say();
  }

  takeScale() {
    if (!this.values) return;
    const sorted = this.values.filter(Number.isFinite).sort();
    const at = (share) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
    // A few extreme values must not take the colours from all others.
    this.scale = [at(0.01), at(0.99)];
  }

  colorOf(index) {
    if (this.codes) return this.data.palette[this.codes[index]];
    const value = this.values[index];
    if (!Number.isFinite(value)) return NO_VALUE_COLOR;
    const [low, high] = this.scale;
    const share = Math.max(0, Math.min(1, (value - low) / (high - low || 1)));
    return `rgb(${this.data.colormap[Math.round(share * 255)]})`;
  }

  isShown(index) {
    return !(this.codes && this.hidden.has(this.codes[index]));
  }

  buildLegend() {
    this.legend.replaceChildren();
    if (this.values) return this.buildScale();
    this.data.names.forEach((name, group) => {
      const entry = button(this.legend, "", `${name}: a click hides, a double click isolates`, () =>
        this.onLegend(group)
      );
      entry.setAttribute("aria-pressed", !this.hidden.has(group));
      element("span", "swatch", entry).style.background = this.data.palette[group];
      element("span", "name", entry).textContent = name;
    });
  }

  buildScale() {
    element("div", "", this.legend).textContent = this.data.title;
    const box = element("div", "scale", this.legend);
    const ramp = element("div", "ramp", box);
    const stops = this.data.colormap.filter((_, i) => i % 16 === 0 || i === 255);
    ramp.style.background = `linear-gradient(to top, ${stops.map((color) => `rgb(${color})`).join(", ")})`;
    const ends = element("div", "ends", box);
    for (const end of [this.scale[1], this.scale[0]]) element("span", "", ends).textContent = nice(end);
  }

  // The first click waits for a second one: otherwise a double click would hide before it isolates.
  onLegend(group) {
    if (this.clicked === group) {
      clearTimeout(this.clickTimer);
      this.clicked = null;
      this.isolate(group);
      return;
    }
    clearTimeout(this.clickTimer);
    this.clicked = group;
    this.clickTimer = setTimeout(() => {
      this.clicked = null;
      if (!this.hidden.delete(group)) this.hidden.add(group);
      this.afterLegend();
    }, DOUBLE_CLICK_MS);
  }

  isolate(group) {
    const others = this.data.names.map((_, index) => index).filter((index) => index !== group);
    const alone = !this.hidden.has(group) && others.every((index) => this.hidden.has(index));
    this.hidden = new Set(alone ? [] : others);
    this.afterLegend();
  }

  afterLegend() {
    this.legend.querySelectorAll("button").forEach((entry, group) => {
      entry.setAttribute("aria-pressed", !this.hidden.has(group));
    });
    this.component.setStateValue("hidden", { numbers: [...this.hidden] });
    this.draw();
    this.say();
  }

  select(numbers) {
    this.selected = new Set(numbers);
    this.component.setStateValue("selected", { numbers });
    this.draw();
    this.say();
  }

  say() {
    const all = [...this.x.keys()].filter((index) => this.isShown(index));
    const chosen = all.filter((index) => this.selected.has(index)).length;
    this.status.textContent = `${all.length} of ${this.x.length} points${chosen ? `, ${chosen} chosen` : ""}`;
  }

  plotWidth() {
    return Math.max(50, this.size.width - MARGIN.left - MARGIN.right);
  }

  plotHeight() {
    return this.size.height - MARGIN.top - MARGIN.bottom;
  }

  layout() {
    if (!this.data) return;
    this.size = { width: Math.max(200, this.plot.clientWidth), height: HEIGHT };
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(this.size.width * ratio);
    this.canvas.height = Math.round(this.size.height * ratio);
    this.canvas.style.width = `${this.size.width}px`;
    this.canvas.style.height = `${this.size.height}px`;
    this.draw();
  }

  resetView(redraw = true) {
    const extent = (values) => {
      const finite = values.filter(Number.isFinite);
      const low = finite.reduce((a, b) => Math.min(a, b), Infinity);
      const high = finite.reduce((a, b) => Math.max(a, b), -Infinity);
      const room = (high - low) * 0.05 || 1;
      return finite.length ? [low - room, high + room] : [0, 1];
    };
    const [x0, x1] = extent(this.x);
    const [y0, y1] = extent(this.y);
    this.view = { x0, x1, y0, y1 };
    if (redraw) this.draw();
  }

  zoom(factor, center) {
    const { x0, x1, y0, y1 } = this.view;
    const [cx, cy] = center ?? [(x0 + x1) / 2, (y0 + y1) / 2];
    const around = (c, low, high) => [c - (c - low) / factor, c + (high - c) / factor];
    const [left, right] = around(cx, x0, x1);
    const [bottom, top] = around(cy, y0, y1);
    this.view = { x0: left, x1: right, y0: bottom, y1: top };
    this.draw();
  }

  toCanvas(index) {
    const { x0, x1, y0, y1 } = this.view;
    return [
      MARGIN.left + ((this.x[index] - x0) / (x1 - x0)) * this.plotWidth(),
      MARGIN.top + (1 - (this.y[index] - y0) / (y1 - y0)) * this.plotHeight(),
    ];
  }

  toData([px, py]) {
    const { x0, x1, y0, y1 } = this.view;
    return [
      x0 + ((px - MARGIN.left) / this.plotWidth()) * (x1 - x0),
      y0 + (1 - (py - MARGIN.top) / this.plotHeight()) * (y1 - y0),
    ];
  }

  nearest([px, py]) {
    let [best, distance] = [null, 9];
    for (let i = 0; i < this.x.length; i++) {
      if (!this.isShown(i)) continue;
      const [x, y] = this.toCanvas(i);
      const apart = Math.hypot(x - px, y - py);
      if (apart < distance) [best, distance] = [i, apart];
    }
    return best;
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  hover(index, place) {
    const changed = index !== this.hovered;
    this.hovered = index;
    this.showCard(index, place);
    if (changed) this.draw();
  }

  onDown(event) {
    this.root.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    this.drag = { from: this.at(event), view: { ...this.view }, add: event.shiftKey, moved: false };
  }

  onMove(event) {
    const place = this.at(event);
    const { drag } = this;
    if (!drag) return this.hover(this.nearest(place), place);
    drag.moved ||= Math.hypot(place[0] - drag.from[0], place[1] - drag.from[1]) > 4;
    if (!drag.moved) return;
    this.hover(null, place);
    if (this.tool === "lasso") (drag.vertices ??= [drag.from]).push(place);
    else if (this.tool === "rectangle") {
      const [[x0, y0], [x1, y1]] = [drag.from, place];
      drag.vertices = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
    } else this.moveView(drag, place);
    this.draw();
  }

  moveView({ from, view }, place) {
    const dx = ((place[0] - from[0]) / this.plotWidth()) * (view.x1 - view.x0);
    const dy = ((place[1] - from[1]) / this.plotHeight()) * (view.y1 - view.y0);
    this.view = { x0: view.x0 - dx, x1: view.x1 - dx, y0: view.y0 + dy, y1: view.y1 + dy };
  }

  onUp(event) {
    const { drag } = this;
    this.drag = null;
    if (!drag) return;
    let found = [];
    if (!drag.moved) {
      const one = this.nearest(this.at(event));
      found = one === null ? [] : [one];
    } else if (drag.vertices) {
      for (let i = 0; i < this.x.length; i++) {
        if (this.isShown(i) && inside(this.toCanvas(i), drag.vertices)) found.push(i);
      }
    } else return;
    this.select(drag.add ? [...new Set([...this.selected, ...found])] : found);
  }

  onWheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.zoom(event.deltaY < 0 ? 1.25 : 0.8, this.toData(this.at(event)));
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+" || event.key === "=") this.zoom(1.5);
    else if (event.key === "-") this.zoom(1 / 1.5);
    else if (event.key === "0") this.resetView();
    else if (event.key === "Escape") this.select([]);
    else return;
    event.preventDefault();
  }
}
