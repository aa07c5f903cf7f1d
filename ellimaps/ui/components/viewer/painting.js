// How the maps are drawn: values and clusters as images, then regions, scale bar and axes over them.

const MARGIN = { left: 42, bottom: 34, top: 7, right: 14 };
const NO_VALUE = 65535;

class Painter {
  paintValues(panel) {
    const { width, height, colormap, highlight } = this.data;
    const { low, high, limits, overlay } = panel.data;
    const image = new ImageData(width, height);
    const scale = (high - low) / (NO_VALUE - 1);
    const span = limits[1] - limits[0] || 1;
    const mark = overlay ? hex(this.data.palette[highlight]) : null;
    for (let i = 0, o = 0; i < panel.codes.length; i++, o += 4) {
      const code = panel.codes[i];
      if (code === NO_VALUE) {
        if (panel.doubtful && panel.doubtful[i]) {
          const shade = ((i % width) + Math.floor(i / width)) % 6 < 2 ? 225 : 145;
          image.data.set([shade, shade, shade, 255], o);
        }
        continue;
      }
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
  // Percentiles that are to be 0 are so up to rounding.
  if (Math.abs(value) < 1e-9) return "0";
  return Math.abs(value) >= 1000 ? value.toFixed(0) : Number(value.toPrecision(4)).toString();
}
