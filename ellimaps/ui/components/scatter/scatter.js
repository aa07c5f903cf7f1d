// A scatter plot on one canvas: move, zoom, lasso, rectangle, a legend that hides groups, a card on hover.

import {
  arrowOf,
  button,
  clamp,
  cleared,
  decode,
  element,
  mounted,
  onKeys,
  onZoomWheel,
  press,
  rectangle,
  resize,
} from "../common.js";
import { addSaving } from "../saving.js";
import { Card, thumbnail } from "./card.js";
import { Groups, Scale } from "./coloring.js";
import { GroupLegend, legendWidth, ScaleLegend } from "./legend.js";
import { drawLayer, drawPlot, splat } from "./painting.js";
import { MARGIN, View } from "./view.js";

// Half of a laptop's window, so that the table below begins in sight.
const HEIGHT = 460;
// From the middle of a point: what a pointer hits without aiming.
const REACH_PX = 9;
// Ten presses cross what is seen.
const SHARE = 0.1;
// Sharp on paper, too.
const DOTS_PER_PIXEL = 3;
// More are drawn as squares: 0.02 s for 300,000 of them (benchmarks/bench_workbench.py). Fewer are good to look at.
const MOST_CIRCLES = 20_000;
const KEYS =
  "Arrow keys go from point to point, Enter chooses one, Space one more, Shift + arrow keys move the plot, " +
  "+ and − zoom, 0 shows all, Escape chooses nothing.";

export default mounted((parent) => new Scatter(parent.querySelector(".scatter")));

class Scatter {
  constructor(root) {
    this.root = root;
    this.hovered = null;
    this.build();
    onKeys(root, (key, event) => this.actionOf(key, event));
    this.observer = new ResizeObserver(() => this.layout());
    this.observer.observe(root);
  }

  close() {
    this.observer.disconnect();
    this.legend?.close();
    this.root.replaceChildren();
  }

  build() {
    this.root.tabIndex = 0;
    this.root.replaceChildren();
    const bar = element("div", "toolbar", this.root);
    this.buttons = {
      lasso: button(bar, "Lasso", "Draw around points to choose them", () => this.choose("lasso")),
      rectangle: button(bar, "Rectangle", "Drag a rectangle to choose points", () =>
        this.choose("rectangle"),
      ),
      move: button(bar, "Move", "Drag to move", () => this.choose("move")),
    };
    button(bar, "+", "Zoom in (+)", () => this.zoom(1.5));
    button(bar, "−", "Zoom out (-)", () => this.zoom(1 / 1.5));
    button(bar, "Reset view", "Show all points (0)", () => this.resetView());
    button(bar, "Clear selection", "Choose nothing (Esc)", () => this.select([]));
    this.nameSaving = addSaving(
      bar,
      () => this.figure(),
      (text) => (this.status.textContent = text),
    );
    this.status = element("span", "status", bar);
    this.status.setAttribute("role", "status");
    const body = element("div", "body", this.root);
    this.frame = element("div", "plot", body);
    this.canvas = element("canvas", "", this.frame);
    this.canvas.setAttribute("role", "img");
    this.legendBox = element("div", "legend", body);
    this.card = new Card(this.root);
    this.root.setAttribute("aria-description", KEYS);
    element("div", "keys", this.root, KEYS);
    element("div", "hint", this.root, "Ctrl + wheel zooms. Legend: a click hides, a double click isolates.");
    this.canvas.addEventListener("pointerdown", (event) => this.onDown(event));
    this.canvas.addEventListener("pointermove", (event) => this.onMove(event));
    this.canvas.addEventListener("pointerup", (event) => this.onUp(event));
    this.canvas.addEventListener("pointerleave", () => this.hover(null));
    onZoomWheel(this.canvas, (factor, event) => {
      this.zoom(factor, this.view.toPlane(this.plot, ...this.at(event)));
    });
    this.choose("lasso");
  }

  choose(tool) {
    this.tool = tool;
    press(this.buttons, tool);
  }

  update(component) {
    const { data } = component;
    this.component = component;
    const samePoints = this.data?.x === data.x && this.data?.y === data.y;
    const sameChoice = samePoints && this.data.revision === data.revision;
    this.data = data;
    this.x = decode(data.x, Float32Array);
    this.y = decode(data.y, Float32Array);
    this.title = `${data.axes[1]} over ${data.axes[0]}`;
    this.canvas.setAttribute("aria-label", `${this.title}, ${this.x.length} points`);
    this.nameSaving(this.title);
    this.pictures = decode(data.pictures, Uint32Array);
    this.owners = data.owners && decode(data.owners, Uint32Array);
    if (!sameChoice) this.flag(data.selected);
    this.color(sameChoice);
    if (!samePoints || !this.view) this.home();
    this.findShown();
    this.layout();
    this.say();
  }

  // A legend of the same groups stays, with what is hidden and with a click that waits for its second.
  color(sameChoice) {
    if (sameChoice && this.coloring?.isOf(this.data.names)) {
      this.coloring.take(this.data);
      this.legend.refresh();
      return;
    }
    this.legend?.close();
    this.legendBox.replaceChildren();
    this.coloring = this.data.codes ? new Groups(this.data) : new Scale(this.data);
    this.legend = this.data.codes
      ? new GroupLegend(this.legendBox, this.coloring, () => this.afterLegend())
      : new ScaleLegend(this.legendBox, this.coloring);
  }

  afterLegend() {
    this.component.setStateValue("hidden", { numbers: [...this.coloring.hidden] });
    this.findShown();
    this.draw();
    this.say();
  }

  // Flags, as a set takes half a second for 300,000 points (benchmarks/bench_workbench.py).
  flag(numbers) {
    this.chosen = new Uint8Array(this.x.length);
    for (const index of numbers) this.chosen[index] = 1;
    this.isChosen = numbers.length > 0;
  }

  select(numbers) {
    this.flag(numbers);
    this.component.setStateValue("selected", { numbers });
    this.draw();
    this.say();
  }

  // Numbers of the points whose group is not hidden.
  findShown() {
    this.shown = Uint32Array.from(this.x.keys()).filter((index) => this.coloring.isShown(index));
  }

  say() {
    let chosen = 0;
    for (const index of this.shown) chosen += this.chosen[index];
    const also = chosen ? `, ${chosen} chosen` : "";
    const far = this.far.size ? `, ${this.far.size} far out marked at the edge` : "";
    this.status.textContent = `${this.shown.length} of ${this.x.length} points${also}${far}`;
  }

  // The view of all points but those far out.
  home() {
    this.view = View.around(this.x, this.y);
    const far = this.x.keys().filter((index) => !this.view.has(this.x[index], this.y[index]));
    this.far = new Set(far);
  }

  layout() {
    if (!this.data) return;
    this.width = Math.max(200, this.frame.clientWidth);
    this.plot = {
      width: Math.max(50, this.width - MARGIN.left - MARGIN.right),
      height: HEIGHT - MARGIN.top - MARGIN.bottom,
    };
    resize(this.canvas, this.width, HEIGHT);
    this.draw();
  }

  // Where the points lie on the canvas; those far out at its edge, unless one moves to where they are.
  place() {
    const count = this.x.length;
    if (this.px?.length !== count) [this.px, this.py] = [new Float32Array(count), new Float32Array(count)];
    const { plot, view } = this;
    const [left, top] = view.toCanvas(plot, view.x0, view.y1);
    const perX = plot.width / (view.x1 - view.x0);
    const perY = plot.height / (view.y1 - view.y0);
    for (let index = 0; index < count; index++) {
      this.px[index] = left + (this.x[index] - view.x0) * perX;
      this.py[index] = top + (view.y1 - this.y[index]) * perY;
    }
    for (const index of this.far) {
      this.px[index] = clamp(this.px[index], MARGIN.left + 5, MARGIN.left + plot.width - 5);
      this.py[index] = clamp(this.py[index], MARGIN.top + 5, MARGIN.top + plot.height - 5);
    }
  }

  // Points stay as they are while the pointer moves over them, or draws a lasso.
  draw() {
    this.layer = null;
    this.place();
    this.redraw();
  }

  redraw() {
    const ringed = this.hovered !== null && this.coloring.isShown(this.hovered);
    this.paint(cleared(this.canvas), {
      ringed: ringed ? this.toCanvas(this.hovered) : null,
      lasso: this.drag?.vertices,
      style: getComputedStyle(this.root),
    });
  }

  paint(context, how) {
    drawPlot(context, this.plot, {
      paintPoints: (on) => this.paintPoints(on),
      edge: [...this.far]
        .filter((index) => this.coloring.isShown(index))
        .map((index) => this.toCanvas(index)),
      view: this.view,
      axes: this.data.axes,
      ...how,
    });
  }

  // What is seen, black on white, with its legend beside it.
  figure() {
    const { fontFamily } = getComputedStyle(this.root);
    const font = `12px ${fontFamily}`;
    const ruler = Object.assign(element("canvas").getContext("2d"), { font });
    const width = Math.ceil(this.width + legendWidth(ruler, this.legend));
    const draw = (context) => {
      this.paint(context, { style: { color: "#000", fontFamily } });
      context.font = font;
      this.legend.draw(context, [this.width + 4, MARGIN.top]);
    };
    return { title: this.title, width, height: HEIGHT, dots: DOTS_PER_PIXEL, draw };
  }

  paintPoints(context) {
    if (this.shown.length <= MOST_CIRCLES) {
      for (const layer of this.layers()) drawLayer(context, layer);
      return;
    }
    const ratio = this.canvas.width / this.width;
    this.layer ??= splat(this.canvas, {
      xs: this.px,
      ys: this.py,
      shown: this.shown,
      colorAt: (index) => this.coloring.rgbAt(index),
      isFaint: this.isChosen ? (index) => !this.chosen[index] : null,
      ratio,
    });
    context.drawImage(this.layer, 0, 0, this.width, this.canvas.height / ratio);
  }

  // Points by color; what is not chosen is faint and lies below.
  layers() {
    const layers = new Map();
    for (const index of this.shown) {
      const center = this.toCanvas(index);
      if (!this.isNear(center)) continue;
      const faint = this.isChosen && !this.chosen[index];
      const color = this.coloring.colorOf(index);
      const key = `${faint} ${color}`;
      if (!layers.has(key)) layers.set(key, { color, faint, centers: [] });
      layers.get(key).centers.push(center);
    }
    return [...layers.values()].toSorted((a, b) => b.faint - a.faint);
  }

  isNear([x, y]) {
    return x >= -5 && y >= -5 && x <= this.width + 5 && y <= HEIGHT + 5;
  }

  ownerOf(index) {
    return this.owners ? this.owners[index] : index;
  }

  toCanvas(index) {
    return [this.px[index], this.py[index]];
  }

  resetView() {
    this.home();
    this.draw();
  }

  zoom(factor, center) {
    this.see(this.view.zoomed(factor, center));
  }

  see(view) {
    this.view = view;
    this.draw();
  }

  nearest([px, py]) {
    let [best, distance] = [null, REACH_PX];
    for (const index of this.shown) {
      const [dx, dy] = [this.px[index] - px, this.py[index] - py];
      if (Math.abs(dx) > distance || Math.abs(dy) > distance) continue;
      const apart = Math.hypot(dx, dy);
      if (apart < distance) [best, distance] = [index, apart];
    }
    return best;
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  hover(index, point) {
    const changed = index !== this.hovered;
    this.hovered = index;
    if (index === null) this.card.hide();
    else {
      const { titles, thumbnails } = this.data;
      const owner = this.ownerOf(index);
      this.card.show(this.canvas, point, titles[owner], thumbnail(thumbnails, this.pictures[owner]));
    }
    if (changed) this.redraw();
  }

  onDown(event) {
    this.root.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    this.drag = { from: this.at(event), view: this.view, add: event.shiftKey, moved: false };
  }

  onMove(event) {
    const point = this.at(event);
    const { drag } = this;
    if (!drag) return this.hover(this.nearest(point), point);
    const [dx, dy] = [point[0] - drag.from[0], point[1] - drag.from[1]];
    drag.moved ||= Math.hypot(dx, dy) > 4;
    if (!drag.moved) return;
    this.hover(null);
    if (this.tool === "move") this.view = drag.view.moved(dx / this.plot.width, dy / this.plot.height);
    else if (this.tool === "lasso") (drag.vertices ??= [drag.from]).push(point);
    else drag.vertices = rectangle(drag.from, point);
    if (this.tool === "move") this.draw();
    else this.redraw();
  }

  onUp(event) {
    const { drag } = this;
    this.drag = null;
    if (!drag || (drag.moved && !drag.vertices)) return;
    const found = drag.moved ? this.within(drag.vertices) : [this.nearest(this.at(event))];
    const numbers = found.filter((index) => index !== null);
    this.select(drag.add ? this.with(numbers) : numbers);
  }

  // What is chosen, and some more.
  with(numbers) {
    const more = new Set(numbers);
    return Array.from(this.chosen.keys()).filter((index) => this.chosen[index] || more.has(index));
  }

  within(vertices) {
    const [xs, ys] = [0, 1].map((axis) => vertices.map((vertex) => vertex[axis]));
    const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const found = [];
    for (const index of this.shown) {
      const [x, y] = [this.px[index], this.py[index]];
      if (x < left || x > right || y < top || y > bottom) continue;
      if (isInside(x, y, xs, ys)) found.push(index);
    }
    return found;
  }

  // A point by keyboard is ringed as one below the pointer is, and said in the status.
  walk(by) {
    const shown = this.shown.toSorted((a, b) => this.x[a] - this.x[b]);
    if (!shown.length) return;
    const at = shown.indexOf(this.hovered);
    const index = shown[at < 0 ? 0 : (at + by + shown.length) % shown.length];
    if (!isWithin(this.toCanvas(index), this.plot)) this.resetView();
    this.hover(index, this.toCanvas(index));
    this.status.textContent = this.data.titles[this.ownerOf(index)].replaceAll("\n", ", ");
  }

  actionOf(key, { shiftKey, target }) {
    const arrow = arrowOf(key);
    if (arrow && shiftKey) return () => this.see(this.view.moved(-SHARE * arrow[0], -SHARE * arrow[1]));
    if (arrow) return () => this.walk(arrow[0] + arrow[1]);
    const ringed = this.hovered === null ? [] : [this.hovered];
    // On a button these two press it.
    const choices = target === this.root && {
      Enter: () => this.select(ringed),
      " ": () => this.select(this.with(ringed)),
    };
    return {
      ...choices,
      "+": () => this.zoom(1.5),
      "=": () => this.zoom(1.5),
      "-": () => this.zoom(1 / 1.5),
      0: () => this.resetView(),
      Escape: () => this.select([]),
    }[key];
  }
}

function isWithin([x, y], { width, height }) {
  return x >= MARGIN.left && x <= MARGIN.left + width && y >= MARGIN.top && y <= MARGIN.top + height;
}

// Even-odd rule; vertices in pixels of the canvas.
function isInside(x, y, xs, ys) {
  let within = false;
  for (let i = 0, j = xs.length - 1; i < xs.length; j = i++) {
    if (ys[i] > y !== ys[j] > y && x < ((xs[j] - xs[i]) * (y - ys[i])) / (ys[j] - ys[i]) + xs[i])
      within = !within;
  }
  return within;
}
