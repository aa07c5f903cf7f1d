// Linked map panels on canvases: the same zoom in all of them, one readout, and regions drawn with the mouse.
// Data come at display resolution; coordinates go back in pixels of the full image (data.step pixels a cell).
// It runs together with painting.js, which comes first.

const MIN_HEIGHT = 220;
const PENDING_MS = 2000;
const instances = new WeakMap();

export default function (component) {
  const { parentElement, data } = component;
  let viewer = instances.get(parentElement);
  if (!viewer) {
    viewer = new Viewer(parentElement);
    instances.set(parentElement, viewer);
  }
  viewer.update(component, data);
  return () => {
    viewer.close();
    instances.delete(parentElement);
  };
}

class Viewer extends Painter {
  constructor(parent) {
    super();
    this.root = parent.querySelector(".viewer");
    this.panels = [];
    this.tool = "move";
    this.view = null;
    this.drag = null;
    this.position = 0;
    this.asked = null;
    this.buildToolbar();
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    this.observer = new ResizeObserver(() => this.layout());
    this.observer.observe(this.root);
  }

  close() {
    this.observer.disconnect();
    this.root.replaceChildren();
  }

  buildToolbar() {
    this.root.tabIndex = 0;
    this.root.replaceChildren();
    const bar = element("div", "toolbar", this.root);
    this.buttons = {};
    const tools = {
      move: ["Move", "Drag to move; where spectra are shown, click a pixel for its own"],
      rectangle: ["Rectangle", "Drag a rectangle and read its mean spectrum"],
      lasso: ["Lasso", "Draw around an area and read its mean spectrum"],
      line: ["Line", "Drag a line and read the profile along it"],
    };
    for (const [tool, [text, title]] of Object.entries(tools)) {
      this.buttons[tool] = button(bar, text, title, () => this.choose(tool));
    }
    button(bar, "+", "Zoom in (+)", () => this.zoom(1.5));
    button(bar, "−", "Zoom out (-)", () => this.zoom(1 / 1.5));
    button(bar, "Reset view", "Show the whole map (0 or double click)", () => this.resetView());
    this.hint = element("span", "hint", bar);
    this.grid = element("div", "panels", this.root);
    this.readout = element("div", "readout", this.root);
    this.choose("move");
  }

  choose(tool) {
    this.tool = tool;
    for (const [name, one] of Object.entries(this.buttons)) one.setAttribute("aria-pressed", name === tool);
  }

  update(component, data) {
    this.component = component;
    const sameImage = this.data && this.data.source === data.source;
    this.data = data;
    this.takePosition(data.position);
    for (const tool of ["rectangle", "lasso", "line"]) this.buttons[tool].hidden = !data.tools.includes(tool);
    if (this.buttons[this.tool].hidden) this.choose("move");
    this.hint.textContent = "Ctrl + wheel zooms, double click resets" + (data.steps ? ", ← → step the slider" : "");
    this.labels = data.labels ? decode(data.labels, Uint8Array) : null;
    this.filled = data.filled ? decode(data.filled, Uint8Array) : null;
    if (!sameImage || !this.view) this.resetView(false);
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
    const canvas = element("canvas", "", box);
    const foot = element("div", "", box);
    const panel = { box, title, canvas, foot };
    canvas.addEventListener("pointerdown", (event) => this.onDown(panel, event));
    canvas.addEventListener("pointermove", (event) => this.onMove(panel, event));
    canvas.addEventListener("pointerup", (event) => this.onUp(panel, event));
    canvas.addEventListener("pointerleave", () => this.showReadout(null));
    canvas.addEventListener("dblclick", () => this.resetView());
    canvas.addEventListener("wheel", (event) => this.onWheel(panel, event), { passive: false });
    return panel;
  }

  fillPanel(panel, data) {
    panel.data = data;
    panel.title.textContent = data.title;
    panel.canvas.setAttribute("role", "img");
    panel.canvas.setAttribute("aria-label", data.title);
    panel.codes = data.codes ? decode(data.codes, Uint16Array) : null;
    panel.doubtful = data.doubtful ? decode(data.doubtful, Uint8Array) : null;
    panel.labels = data.labels ? decode(data.labels, Uint8Array) : this.labels;
    panel.palette = data.palette ?? this.data.palette;
    panel.names = data.names ?? this.data.names;
    panel.image = data.codes ? this.paintValues(panel) : this.paintLabels(panel);
    panel.foot.replaceChildren();
    if (data.codes) this.buildBar(panel);
    else this.buildLegend(panel);
  }

  buildBar(panel) {
    const { data } = panel;
    const bar = element("div", "bar", panel.foot);
    element("span", "", bar).textContent = nice(data.limits[0]);
    const ramp = element("div", "ramp", bar);
    const stops = this.data.colormap.filter((_, i) => i % 16 === 0 || i === 255);
    ramp.style.background = `linear-gradient(to right, ${stops.map((c) => `rgb(${c})`).join(", ")})`;
    element("span", "", bar).textContent = `${nice(data.limits[1])} ${data.unit}`;
    if (panel.doubtful && panel.doubtful.some(Boolean)) {
      element("span", "hatched", bar);
      element("span", "", bar).textContent = "not trusted";
    }
  }

  buildLegend(panel) {
    const legend = element("div", "legend", panel.foot);
    panel.palette.forEach((color, index) => {
      const entry = button(legend, "", `Choose cluster ${panel.names[index]}`, () =>
        this.component.setTriggerValue("cluster", index)
      );
      entry.disabled = Boolean(panel.data.palette);
      entry.setAttribute("aria-pressed", !panel.data.palette && index === this.data.highlight);
      element("span", "swatch", entry).style.background = color;
      entry.append(panel.names[index]);
    });
  }

  resetView(redraw = true) {
    this.view = { x: 0, y: 0, width: this.data.width, height: this.data.height };
    if (redraw) this.draw();
  }

  zoom(factor, center) {
    const { width, height } = this.data;
    const view = this.view;
    const [cx, cy] = center ?? [view.x + view.width / 2, view.y + view.height / 2];
    const scale = Math.min(1, Math.max(4 / Math.min(width, height), view.width / factor / width));
    const next = { width: width * scale, height: height * scale };
    next.x = cx - ((cx - view.x) / view.width) * next.width;
    next.y = cy - ((cy - view.y) / view.height) * next.height;
    this.setView(next);
  }

  setView(view) {
    view.x = Math.max(0, Math.min(this.data.width - view.width, view.x));
    view.y = Math.max(0, Math.min(this.data.height - view.height, view.y));
    this.view = view;
    this.draw();
  }

  layout() {
    if (!this.data) return;
    const { width, height, aspect } = this.data;
    const highest = Math.max(MIN_HEIGHT, window.innerHeight * 0.42);
    for (const panel of this.panels) {
      const room = Math.max(120, panel.box.clientWidth - MARGIN.left - MARGIN.right);
      const scale = Math.min(room / width, highest / (height * aspect));
      panel.area = { width: width * scale, height: height * aspect * scale };
      const ratio = window.devicePixelRatio || 1;
      const total = [
        panel.area.width + MARGIN.left + MARGIN.right,
        panel.area.height + MARGIN.top + MARGIN.bottom,
      ];
      panel.canvas.width = Math.round(total[0] * ratio);
      panel.canvas.height = Math.round(total[1] * ratio);
      panel.canvas.style.width = `${total[0]}px`;
      panel.canvas.style.height = `${total[1]}px`;
    }
    this.draw();
  }

  onDown(panel, event) {
    this.root.focus({ preventScroll: true });
    panel.canvas.setPointerCapture(event.pointerId);
    const point = this.toImage(panel, event);
    this.drag = { tool: event.shiftKey ? (this.data.tools.at(-1) === "line" ? "line" : "rectangle") : this.tool, from: point, view: { ...this.view }, moved: false };
    this.drag.screen = [event.clientX, event.clientY];
  }

  onMove(panel, event) {
    const point = this.toImage(panel, event);
    this.showReadout(point);
    const { drag } = this;
    if (!drag) return;
    drag.moved ||= Math.hypot(event.clientX - drag.screen[0], event.clientY - drag.screen[1]) > 4;
    if (!drag.moved) return;
    if (drag.tool === "move") {
      const { view } = drag;
      this.setView({
        ...view,
        x: view.x - ((event.clientX - drag.screen[0]) / panel.area.width) * view.width,
        y: view.y - ((event.clientY - drag.screen[1]) / panel.area.height) * view.height,
      });
    } else if (drag.tool === "rectangle") {
      const [[x0, y0], [x1, y1]] = [drag.from, point];
      drag.vertices = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
      this.draw();
    } else if (drag.tool === "line") {
      drag.vertices = [drag.from, point];
      this.draw();
    } else {
      (drag.vertices ??= [drag.from]).push(point);
      this.draw();
    }
  }

  onUp(panel, event) {
    const { drag } = this;
    this.drag = null;
    if (!drag) return;
    if (!drag.moved && !this.data.tools.includes("rectangle")) return;
    if (!drag.moved) this.send("pixel", [this.toImage(panel, event)].map(([x, y]) => [Math.floor(x), Math.floor(y)]));
    else if (drag.tool === "line") this.send("line", drag.vertices);
    else if (drag.vertices && drag.vertices.length > 2) {
      this.send(drag.tool === "rectangle" ? "rectangle" : "polygon", drag.vertices);
    }
    this.draw();
  }

  send(kind, vertices) {
    const { width, height, step } = this.data;
    const scaled = vertices.map(([x, y]) => [
      Math.max(0, Math.min(width, x)) * step,
      Math.max(0, Math.min(height, y)) * step,
    ]);
    const outside = kind === "pixel" && (vertices[0][0] < 0 || vertices[0][1] < 0 || vertices[0][0] >= width || vertices[0][1] >= height);
    if (!outside) this.component.setTriggerValue("region", { kind, vertices: scaled });
  }

  onWheel(panel, event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.zoom(event.deltaY < 0 ? 1.25 : 0.8, this.toImage(panel, event));
  }

  onKey(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in steps && this.data.steps) this.step(steps[event.key]);
    else if (event.key === "+" || event.key === "=") this.zoom(1.5);
    else if (event.key === "-") this.zoom(1 / 1.5);
    else if (event.key === "0") this.resetView();
    else return;
    event.preventDefault();
  }

  showReadout(point) {
    const { width, height, step, names } = this.data;
    const [x, y] = point ? point.map(Math.floor) : [-1, -1];
    if (x < 0 || y < 0 || x >= width || y >= height) {
      this.readout.textContent = "";
      return;
    }
    const index = y * width + x;
    const parts = [`x ${x * step}, y ${y * step}`];
    for (const panel of this.panels) {
      if (!panel.codes) {
        const label = panel.labels[index];
        parts.push(`${panel.data.title}: ${label ? `cluster ${panel.names[label - 1]}` : "no data"}`);
        continue;
      }
      const { low, high, title, unit } = panel.data;
      const code = panel.codes[index];
      const value = code === NO_VALUE ? (panel.doubtful && panel.doubtful[index] ? "not trusted" : "no value") : `${(low + (code * (high - low)) / (NO_VALUE - 1)).toFixed(2)} ${unit}`;
      const filled = panel.data.showFilled && this.filled && this.filled[index] ? " (filled)" : "";
      parts.push(`${title}: ${value}${filled}`);
    }
    if (this.labels && this.panels.every((panel) => panel.codes)) parts.push(this.labels[index] ? `cluster ${names[this.labels[index] - 1]}` : "no data");
    this.readout.textContent = parts.join("   ·   ");
  }
}
