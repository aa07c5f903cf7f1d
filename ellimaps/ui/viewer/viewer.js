// Linked map panels on canvases: the same zoom in all of them, one readout, and regions drawn with the mouse.
// Data come at display resolution; coordinates go back in pixels of the full image (data.step pixels a cell).

const MARGIN = { left: 42, bottom: 34, top: 7, right: 6 };
const MIN_HEIGHT = 220;
const PENDING_MS = 2000;
const NO_VALUE = 65535;
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

class Viewer {
  constructor(parent) {
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
    for (const tool of ["rectangle", "lasso"]) this.buttons[tool].hidden = !data.tools;
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

  paintValues(panel) {
    const { width, height, colormap, highlight } = this.data;
    const { low, high, limits, overlay } = panel.data;
    const image = new ImageData(width, height);
    const scale = (high - low) / (NO_VALUE - 1);
    const span = limits[1] - limits[0] || 1;
    const mark = overlay ? hex(this.data.palette[highlight]) : null;
    for (let i = 0, o = 0; i < panel.codes.length; i++, o += 4) {
      const code = panel.codes[i];
      if (code === NO_VALUE) continue;
      const level = Math.max(0, Math.min(255, Math.round(((low + code * scale - limits[0]) / span) * 255)));
      let color = colormap[level];
      if (mark && this.labels[i] === highlight + 1) color = color.map((c, n) => 0.35 * c + 0.65 * mark[n]);
      if (panel.data.showFilled && this.filled && this.filled[i]) color = [255, 0, 160];
      image.data[o] = color[0];
      image.data[o + 1] = color[1];
      image.data[o + 2] = color[2];
      image.data[o + 3] = 255;
    }
    return bitmap(image);
  }

  paintLabels(panel) {
    const { width, height } = this.data;
    const image = new ImageData(width, height);
    const colors = panel.palette.map(hex);
    for (let i = 0, o = 0; i < panel.labels.length; i++, o += 4) {
      if (panel.labels[i] === 0) continue;
      const color = colors[panel.labels[i] - 1];
      image.data.set([...color, 255], o);
    }
    return bitmap(image);
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

  draw() {
    const style = getComputedStyle(this.root);
    const { x, y, width, height } = this.view;
    this.root.dataset.view = [x, y, width, height].map((value) => value.toFixed(2)).join(" ");
    for (const panel of this.panels) if (panel.area) this.drawPanel(panel, style.color, style.fontFamily);
  }

  drawPanel(panel, color, font) {
    const context = panel.canvas.getContext("2d");
    const ratio = window.devicePixelRatio || 1;
    const { area } = panel;
    const { view } = this;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, panel.canvas.width, panel.canvas.height);
    context.fillStyle = "#b0b0b0";
    context.fillRect(MARGIN.left, MARGIN.top, area.width, area.height);
    context.imageSmoothingEnabled = false;
    context.drawImage(
      panel.image, view.x, view.y, view.width, view.height, MARGIN.left, MARGIN.top, area.width, area.height
    );
    context.save();
    context.beginPath();
    context.rect(MARGIN.left, MARGIN.top, area.width, area.height);
    context.clip();
    for (const region of this.data.regions) this.drawRegion(context, panel, region.vertices, region.name);
    if (this.drag && this.drag.vertices) this.drawRegion(context, panel, this.drag.vertices, "", this.data.step);
    this.drawScaleBar(context, panel);
    context.restore();
    this.drawAxes(context, panel, color, font);
  }

  drawAxes(context, panel, color, font) {
    const { area } = panel;
    const { view } = this;
    const { step } = this.data;
    context.strokeStyle = color;
    context.fillStyle = color;
    context.lineWidth = 1;
    context.font = `11px ${font}`;
    context.strokeRect(MARGIN.left - 0.5, MARGIN.top - 0.5, area.width + 1, area.height + 1);
    const bottom = MARGIN.top + area.height;
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const tick of ticks(view.x * step, (view.x + view.width) * step, area.width / 60)) {
      const x = MARGIN.left + ((tick / step - view.x) / view.width) * area.width;
      line(context, x, bottom, x, bottom + 4);
      context.fillText(tick, x, bottom + 5);
    }
    context.fillText("x (px)", MARGIN.left + area.width / 2, bottom + 19);
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const tick of ticks(view.y * step, (view.y + view.height) * step, area.height / 45)) {
      const y = MARGIN.top + ((tick / step - view.y) / view.height) * area.height;
      line(context, MARGIN.left - 4, y, MARGIN.left, y);
      context.fillText(tick, MARGIN.left - 6, y);
    }
    context.save();
    context.translate(6, MARGIN.top + area.height / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText("y (px)", 0, 0);
    context.restore();
  }

  drawScaleBar(context, panel) {
    const { pixelSize, step } = this.data;
    if (!pixelSize) return;
    const perPoint = (this.view.width * step * pixelSize) / panel.area.width;
    const length = roundDown(perPoint * panel.area.width * 0.25);
    const points = length / perPoint;
    const x = MARGIN.left + 10;
    const y = MARGIN.top + panel.area.height - 12;
    context.fillStyle = "rgba(0, 0, 0, 0.6)";
    context.fillRect(x - 6, y - 20, Math.max(points, 60) + 12, 28);
    context.fillStyle = "#fff";
    context.fillRect(x, y, points, 3);
    context.textAlign = "left";
    context.textBaseline = "bottom";
    context.fillText(`${nice(length)} µm`, x, y - 2);
  }

  drawRegion(context, panel, vertices, name, step = 1) {
    const cell = this.data.step / step;
    const points = vertices.map(([x, y]) => this.toCanvas(panel, x / cell, y / cell));
    if (points.length === 1) {
      context.strokeStyle = "#000";
      context.lineWidth = 4;
      cross(context, points[0]);
      context.strokeStyle = "#fff";
      context.lineWidth = 2;
      cross(context, points[0]);
    } else {
      context.beginPath();
      points.forEach(([x, y], index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)));
      context.closePath();
      context.strokeStyle = "#000";
      context.lineWidth = 3;
      context.stroke();
      context.strokeStyle = "#fff";
      context.lineWidth = 1.5;
      context.setLineDash([5, 3]);
      context.stroke();
      context.setLineDash([]);
    }
    if (!name) return;
    context.fillStyle = "#fff";
    context.strokeStyle = "#000";
    context.lineWidth = 3;
    context.textAlign = "left";
    context.textBaseline = "bottom";
    context.strokeText(name, points[0][0] + 6, points[0][1] - 4);
    context.fillText(name, points[0][0] + 6, points[0][1] - 4);
  }

  toCanvas(panel, x, y) {
    const { view } = this;
    return [
      MARGIN.left + ((x - view.x) / view.width) * panel.area.width,
      MARGIN.top + ((y - view.y) / view.height) * panel.area.height,
    ];
  }

  toImage(panel, event) {
    const box = panel.canvas.getBoundingClientRect();
    const { view } = this;
    return [
      view.x + ((event.clientX - box.left - MARGIN.left) / panel.area.width) * view.width,
      view.y + ((event.clientY - box.top - MARGIN.top) / panel.area.height) * view.height,
    ];
  }

  onDown(panel, event) {
    this.root.focus({ preventScroll: true });
    panel.canvas.setPointerCapture(event.pointerId);
    const point = this.toImage(panel, event);
    this.drag = { tool: event.shiftKey ? "rectangle" : this.tool, from: point, view: { ...this.view }, moved: false };
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
    } else {
      (drag.vertices ??= [drag.from]).push(point);
      this.draw();
    }
  }

  onUp(panel, event) {
    const { drag } = this;
    this.drag = null;
    if (!drag) return;
    if (!drag.moved && !this.data.tools) return;
    if (!drag.moved) this.send("pixel", [this.toImage(panel, event)].map(([x, y]) => [Math.floor(x), Math.floor(y)]));
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
      const value = code === NO_VALUE ? "no value" : `${(low + (code * (high - low)) / (NO_VALUE - 1)).toFixed(2)} ${unit}`;
      const filled = panel.data.showFilled && this.filled && this.filled[index] ? " (filled)" : "";
      parts.push(`${title}: ${value}${filled}`);
    }
    if (this.labels && this.panels.every((panel) => panel.codes)) parts.push(this.labels[index] ? `cluster ${names[this.labels[index] - 1]}` : "no data");
    this.readout.textContent = parts.join("   ·   ");
  }
}

function element(tag, className, parent) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  parent.append(made);
  return made;
}

function button(parent, text, title, onClick) {
  const made = element("button", "", parent);
  made.type = "button";
  made.textContent = text;
  made.title = title;
  made.addEventListener("click", onClick);
  return made;
}

function decode(text, Type) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Type(bytes.buffer);
}

function bitmap(image) {
  const canvas = document.createElement("canvas");
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function hex(color) {
  return [1, 3, 5].map((start) => parseInt(color.slice(start, start + 2), 16));
}

function line(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

function cross(context, [x, y]) {
  line(context, x - 7, y, x + 7, y);
  line(context, x, y - 7, x, y + 7);
}

function roundDown(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [5, 2, 1].map((digit) => digit * power).find((candidate) => candidate <= value) ?? power;
}

function ticks(from, to, count) {
  const step = Math.max(1, roundDown(((to - from) / Math.max(1, count)) * 1.99));
  const found = [];
  for (let tick = Math.ceil(from / step) * step; tick <= to; tick += step) found.push(tick);
  return found;
}

function nice(value) {
  return Math.abs(value) >= 1000 ? value.toFixed(0) : Number(value.toPrecision(4)).toString();
}
