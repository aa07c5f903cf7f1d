// Linked map panels on canvases: the same zoom in all of them, one readout, and regions drawn with the mouse.
// Data come at display resolution; coordinates go back in pixels of the full image (data.step pixels a cell).

import {
  button,
  clamp,
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
import { figureOf } from "./figure.js";
import { Following } from "./following.js";
import { buildBar, buildLegend, withUnit } from "./legend.js";
import { MapKeys } from "./map_keys.js";
import { drawPanel, DROPPED, labelsImage, NO_DATA, NO_VALUE, valuesImage } from "./painting.js";
import { MARGIN, View } from "./view.js";

// On a small window maps take as much as shows a map.
const MIN_HEIGHT = 220;
// After this an answer to a key is lost, and the slider's own position holds again.
const PENDING_MS = 2000;
const TOOLS = {
  move: ["Move", "Drag to move; where spectra are shown, click a pixel for its own"],
  rectangle: ["Rectangle", "Drag a rectangle and read its mean spectrum"],
  lasso: ["Lasso", "Draw around an area and read its mean spectrum"],
  line: ["Line", "Drag a line and read the profile along it"],
};

export default mounted((parent) => new Viewer(parent.querySelector(".viewer")));

class Viewer {
  constructor(root) {
    this.root = root;
    this.panels = [];
    this.tool = "move";
    this.view = null;
    this.drag = null;
    this.position = 0;
    this.asked = null;
    this.build();
    this.following = new Following((drag) => this.component.setTriggerValue("drag", drag));
    onKeys(root, (key) => this.actionOf(key));
    this.observer = new ResizeObserver(() => this.layout());
    this.observer.observe(root);
  }

  close() {
    this.observer.disconnect();
    this.following.close();
    this.root.replaceChildren();
  }

  build() {
    this.root.tabIndex = 0;
    this.root.replaceChildren();
    const bar = element("div", "toolbar", this.root);
    const tools = Object.entries(TOOLS).map(([tool, [text, title]]) => [
      tool,
      button(bar, text, title, () => this.choose(tool)),
    ]);
    this.buttons = Object.fromEntries(tools);
    button(bar, "+", "Zoom in (+)", () => this.zoom(1.5));
    button(bar, "−", "Zoom out (-)", () => this.zoom(1 / 1.5));
    button(bar, "Reset view", "Show the whole map (0 or double click)", () => this.resetView());
    this.hint = element("span", "hint", bar);
    this.grid = element("div", "panels", this.root);
    this.readout = element("div", "readout", this.root);
    this.readout.setAttribute("aria-live", "polite");
    this.keys = new MapKeys(this, element("div", "keys", this.root));
    this.choose("move");
  }

  choose(tool) {
    this.tool = tool;
    press(this.buttons, tool);
  }

  update(component) {
    const { data } = component;
    this.component = component;
    const sameImage = this.data?.source === data.source;
    this.data = data;
    this.takePosition(data.position);
    this.following.answered(data.slider, data.position);
    for (const tool of ["rectangle", "lasso", "line"]) this.buttons[tool].hidden = !data.tools.includes(tool);
    if (this.buttons[this.tool].hidden) this.choose("move");
    this.keys.explain(data);
    this.hint.textContent =
      "Ctrl + wheel zooms, double click resets" + (data.steps ? ", ← → step the slider" : "");
    this.labels = data.labels ? decode(data.labels, Uint8Array) : null;
    if (!sameImage || !this.view) this.view = new View({ width: data.width, height: data.height });
    while (this.panels.length < data.panels.length) this.panels.push(this.buildPanel());
    while (this.panels.length > data.panels.length) this.panels.pop().box.remove();
    data.panels.forEach((panel, index) => this.fillPanel(this.panels[index], panel));
    this.layout();
  }

  // Keys pressed while the server still answers the ones before them must not be lost.
  takePosition(position) {
    const waiting = this.asked && performance.now() - this.asked.time < PENDING_MS;
    if (waiting && this.asked.position !== position) return;
    this.position = position;
    this.asked = null;
  }

  step(by) {
    this.position = Math.max(0, this.position + by);
    this.asked = { position: this.position, time: performance.now() };
    this.component.setTriggerValue("step", this.position);
  }

  buildPanel() {
    const box = element("div", "panel", this.grid);
    const title = element("div", "title", box);
    const plot = element("div", "plot", box);
    const canvas = element("canvas", "", plot);
    canvas.setAttribute("role", "img");
    this.keys.attach(canvas);
    const foot = element("div", "", box);
    const panel = { box, title, canvas, foot };
    panel.nameSaving = addSaving(
      element("div", "saving", plot),
      () => figureOf(this.pictured(panel)),
      (text) => (this.readout.textContent = text),
    );
    canvas.addEventListener("pointerdown", (event) => this.onDown(panel, event));
    canvas.addEventListener("pointermove", (event) => this.onMove(panel, event));
    canvas.addEventListener("pointerup", (event) => this.onUp(panel, event));
    canvas.addEventListener("pointerleave", () => this.showReadout(null));
    canvas.addEventListener("dblclick", () => this.resetView());
    onZoomWheel(canvas, (factor, event) => this.zoom(factor, this.toMap(panel, event)));
    return panel;
  }

  fillPanel(panel, data) {
    panel.data = data;
    panel.title.textContent = data.title;
    panel.nameSaving(data.title);
    panel.canvas.setAttribute("aria-label", data.title);
    panel.codes = data.codes ? decode(data.codes, Uint16Array) : null;
    panel.doubtful = data.doubtful ? decode(data.doubtful, Uint8Array) : null;
    panel.filled = data.filled ? decode(data.filled, Uint8Array) : null;
    panel.objects = data.objects ? decode(data.objects, Uint32Array) : null;
    const cluster = (label) => Number(label === this.data.highlight + 1);
    panel.rimmed = data.overlay ? this.labels.map(cluster) : panel.objects;
    panel.labels = data.labels ? decode(data.labels, Uint8Array) : this.labels;
    panel.palette = data.palette ?? this.data.palette;
    panel.names = data.names ?? this.data.names;
    panel.image = panel.codes ? valuesImage(panel, this) : labelsImage(panel, this);
    panel.foot.replaceChildren();
    if (panel.codes) buildBar(panel, this.data);
    else buildLegend(panel, this.data, (index) => this.component.setTriggerValue("cluster", index));
  }

  resetView() {
    const { width, height } = this.data;
    this.see(new View({ width, height }));
  }

  zoom(factor, center) {
    this.see(this.view.zoomed(factor, center));
  }

  see(view) {
    this.view = view;
    this.draw();
  }

  layout() {
    if (!this.data) return;
    const { width, height, aspect, shareOfWindow } = this.data;
    const highest = Math.max(MIN_HEIGHT, window.innerHeight * shareOfWindow);
    for (const panel of this.panels) {
      const room = Math.max(120, panel.box.clientWidth - MARGIN.left - MARGIN.right);
      const scale = Math.min(room / width, highest / (height * aspect));
      panel.area = { width: width * scale, height: height * aspect * scale };
      resize(
        panel.canvas,
        panel.area.width + MARGIN.left + MARGIN.right,
        panel.area.height + MARGIN.top + MARGIN.bottom,
      );
    }
    this.draw();
  }

  draw() {
    this.root.dataset.view = this.view;
    const outlines = this.outlines();
    if (this.drag?.vertices) outlines.push({ name: "", vertices: this.drag.vertices });
    if (this.cross) outlines.push({ name: "", vertices: [this.cross.map((at) => at + 0.5)] });
    const style = getComputedStyle(this.root);
    for (const panel of this.panels) if (panel.area) drawPanel(panel, this.view, this.data, outlines, style);
  }

  // Regions come in pixels of the full image, what is being drawn in those of the shown one.
  outlines() {
    const { step, regions } = this.data;
    return regions.map(({ name, vertices, color }) => ({
      name,
      color,
      vertices: vertices.map(([x, y]) => [x / step, y / step]),
    }));
  }

  // What a picture of a panel is made of.
  pictured(panel) {
    const { view, data } = this;
    const { fontFamily } = getComputedStyle(this.root);
    return { panel, view, data, outlines: this.outlines(), fontFamily };
  }

  toMap(panel, event) {
    const box = panel.canvas.getBoundingClientRect();
    return this.view.toMap(panel.area, event.clientX - box.left, event.clientY - box.top);
  }

  onDown(panel, event) {
    this.root.focus({ preventScroll: true });
    panel.canvas.setPointerCapture(event.pointerId);
    const withShift = ["line", "rectangle"].find((tool) => this.data.tools.includes(tool)) ?? "move";
    this.drag = {
      tool: event.shiftKey ? withShift : this.tool,
      from: this.toMap(panel, event),
      screen: [event.clientX, event.clientY],
      view: this.view,
      moved: false,
    };
  }

  onMove(panel, event) {
    const point = this.toMap(panel, event);
    this.showReadout(point);
    const { drag } = this;
    if (!drag) return;
    const [dx, dy] = [event.clientX - drag.screen[0], event.clientY - drag.screen[1]];
    drag.moved ||= Math.hypot(dx, dy) > 4;
    if (!drag.moved) return;
    if (drag.tool === "move") {
      const { area } = panel;
      this.view = drag.view.moved(
        (-dx / area.width) * drag.view.width,
        (-dy / area.height) * drag.view.height,
      );
    } else drag.vertices = extended(drag, point);
    this.draw();
  }

  onUp(panel, event) {
    const { drag } = this;
    this.drag = null;
    if (!drag) return;
    if (!drag.moved) return this.sendPixel(this.toMap(panel, event).map(Math.floor));
    if (drag.tool === "line") this.send("line", drag.vertices);
    else if (drag.vertices?.length > 2) {
      this.send(drag.tool === "rectangle" ? "rectangle" : "polygon", drag.vertices);
    }
    this.draw();
  }

  sendPixel([x, y]) {
    if (this.data.tools.includes("pixel") && this.isInside(x, y)) this.send("pixel", [[x, y]]);
  }

  send(kind, vertices) {
    const { width, height, step } = this.data;
    const scaled = vertices.map(([x, y]) => [clamp(x, 0, width) * step, clamp(y, 0, height) * step]);
    this.component.setTriggerValue("region", { kind, vertices: scaled });
  }

  isInside(x, y) {
    return x >= 0 && y >= 0 && x < this.data.width && y < this.data.height;
  }

  actionOf(key) {
    const steps = this.data.steps && {
      ArrowLeft: () => this.step(-1),
      ArrowRight: () => this.step(1),
    };
    return {
      ...steps,
      "+": () => this.zoom(1.5),
      "=": () => this.zoom(1.5),
      "-": () => this.zoom(1 / 1.5),
      0: () => this.resetView(),
    }[key];
  }

  showReadout(point) {
    const { width, step, names } = this.data;
    const [x, y] = point ? point.map(Math.floor) : [-1, -1];
    if (!this.isInside(x, y)) {
      this.readout.textContent = "";
      return;
    }
    const index = y * width + x;
    const parts = [`x ${x * step}, y ${y * step}`, ...this.panels.map((panel) => this.said(panel, index))];
    const onlyValues = this.panels.every((panel) => panel.codes);
    if (this.labels && onlyValues) parts.push(clusterSaid(this.labels[index], names));
    this.readout.textContent = parts.join("   ·   ");
  }

  // What a panel shows at a pixel.
  said(panel, index) {
    const { title, unit, low, high } = panel.data;
    if (!panel.codes) return `${title}: ${clusterSaid(panel.labels[index], panel.names)}`;
    const code = panel.codes[index];
    if (code === NO_VALUE) return `${title}: ${panel.doubtful?.[index] ? "not trusted" : "no value"}`;
    const value = (low + (code * (high - low)) / (NO_VALUE - 1)).toFixed(2);
    const object = panel.objects?.[index] ? `, object ${panel.objects[index]}` : "";
    return `${title}: ${withUnit(value, unit)}${panel.filled?.[index] ? " (filled)" : ""}${object}`;
  }
}

function extended({ tool, from, vertices }, point) {
  if (tool === "line") return [from, point];
  return tool === "rectangle" ? rectangle(from, point) : [...(vertices ?? [from]), point];
}

function clusterSaid(label, names) {
  if (label === DROPPED) return "dropped";
  return label === NO_DATA ? "no data" : `cluster ${names[label - 1]}`;
}
