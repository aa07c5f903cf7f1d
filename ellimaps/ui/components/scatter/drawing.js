// How the scatter plot is drawn: points, axes, the lasso and the card beside the pointer.

const MARGIN = { left: 46, right: 8, top: 8, bottom: 38 };
const RADIUS = 3.5;
const NO_VALUE_COLOR = "#9e9e9e";

class Drawing {
  draw() {
    const { context, data } = this;
    const ratio = window.devicePixelRatio || 1;
    const style = getComputedStyle(this.root);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.size.width, this.size.height);
    context.save();
    context.beginPath();
    context.rect(MARGIN.left, MARGIN.top, this.plotWidth(), this.plotHeight());
    context.clip();
    this.drawPoints(context);
    context.restore();
    this.drawAxes(context, style.color, style.fontFamily, data.axes);
    if (this.drag?.vertices) this.drawLasso(context, style.color);
  }

  // One path per colour: ten thousand points take a few milliseconds.
  drawPoints(context) {
    const faint = this.selected.size > 0;
    const layers = new Map();
    for (let i = 0; i < this.x.length; i++) {
      if (!this.isShown(i)) continue;
      const [x, y] = this.toCanvas(i);
      if (x < -5 || y < -5 || x > this.size.width + 5 || y > this.size.height + 5) continue;
      const key = (faint && !this.selected.has(i) ? "0" : "1") + this.colorOf(i);
      if (!layers.has(key)) layers.set(key, []);
      layers.get(key).push(x, y);
    }
    for (const [key, centres] of [...layers].sort(([a], [b]) => a[0] - b[0])) {
      context.globalAlpha = key[0] === "0" ? 0.18 : 0.85;
      context.fillStyle = key.slice(1);
      context.beginPath();
      for (let i = 0; i < centres.length; i += 2) {
        context.moveTo(centres[i] + RADIUS, centres[i + 1]);
        context.arc(centres[i], centres[i + 1], RADIUS, 0, 2 * Math.PI);
      }
      context.fill();
    }
    context.globalAlpha = 1;
    if (this.hovered !== null && this.isShown(this.hovered)) this.ring(context, this.hovered);
  }

  ring(context, index) {
    const [x, y] = this.toCanvas(index);
    context.strokeStyle = getComputedStyle(this.root).color;
    context.lineWidth = 1.5;
    context.beginPath();
    context.arc(x, y, RADIUS + 2.5, 0, 2 * Math.PI);
    context.stroke();
  }

  drawAxes(context, color, font, [xTitle, yTitle]) {
    const { left, top } = MARGIN;
    const [width, height] = [this.plotWidth(), this.plotHeight()];
    context.strokeStyle = context.fillStyle = color;
    context.lineWidth = 1;
    context.globalAlpha = 0.45;
    context.strokeRect(left + 0.5, top + 0.5, width - 1, height - 1);
    context.globalAlpha = 1;
    context.font = `11px ${font}`;
    context.textAlign = "center";
    for (const tick of ticks(this.view.x0, this.view.x1, width / 90)) {
      const x = left + ((tick - this.view.x0) / (this.view.x1 - this.view.x0)) * width;
      context.fillText(nice(tick), x, top + height + 14);
    }
    context.fillText(xTitle, left + width / 2, top + height + 31);
    context.textAlign = "right";
    for (const tick of ticks(this.view.y0, this.view.y1, height / 60)) {
      const y = top + height - ((tick - this.view.y0) / (this.view.y1 - this.view.y0)) * height;
      context.fillText(nice(tick), left - 5, y + 4);
    }
    context.save();
    context.translate(11, top + height / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText(yTitle, 0, 0);
    context.restore();
  }

  drawLasso(context, color) {
    context.strokeStyle = color;
    context.setLineDash([4, 3]);
    context.beginPath();
    for (const [x, y] of this.drag.vertices) context.lineTo(x, y);
    context.closePath();
    context.stroke();
    context.setLineDash([]);
  }

  // The card stands beside the pointer, on the side with more room.
  showCard(index, [x, y]) {
    this.card.hidden = index === null;
    if (index === null) return;
    const sheets = window.ellimapsThumbnails?.get(this.data.thumbnails?.key);
    this.card.replaceChildren();
    if (sheets) this.card.append(this.thumbnail(sheets, index));
    this.card.append(this.data.titles[index]);
    const box = this.canvas.getBoundingClientRect();
    const own = this.root.getBoundingClientRect();
    const offset = [box.left - own.left, box.top - own.top];
    const right = x + 14 + this.card.offsetWidth < box.width;
    const below = y + 14 + this.card.offsetHeight < box.height;
    this.card.style.left = `${offset[0] + (right ? x + 14 : Math.max(0, x - 14 - this.card.offsetWidth))}px`;
    this.card.style.top = `${offset[1] + (below ? y + 14 : Math.max(0, y - 14 - this.card.offsetHeight))}px`;
  }

  thumbnail(sheets, index) {
    const { tile, columns } = this.data.thumbnails;
    const shown = element("canvas", "");
    const edge = Math.max(tile, 128);
    shown.width = shown.height = edge;
    const within = index % (columns * columns);
    const corner = [(within % columns) * tile, Math.floor(within / columns) * tile];
    const sheet = sheets[Math.floor(index / (columns * columns))];
    if (sheet?.complete) shown.getContext("2d").drawImage(sheet, ...corner, tile, tile, 0, 0, edge, edge);
    return shown;
  }
}

function element(tag, className, parent) {
  const made = document.createElement(tag);
  made.className = className;
  parent?.append(made);
  return made;
}

function button(parent, text, title, onClick) {
  const made = element("button", "", parent);
  Object.assign(made, { type: "button", textContent: text, title, onclick: onClick });
  return made;
}

function decode(text, Type) {
  return new Type(Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer);
}

function ticks(from, to, count) {
  const raw = (to - from) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((candidate) => candidate >= raw);
  const found = [];
  for (let n = Math.ceil(from / step); n * step <= to; n++) found.push(n * step);
  return found;
}

function nice(value) {
  return Math.abs(value) < 1e-12 ? "0" : Number(value.toPrecision(4)).toString();
}

// Even-odd rule; vertices in pixels of the canvas.
function inside([x, y], vertices) {
  let within = false;
  for (let i = 0, j = vertices.length - 1; i < vertices.length; j = i++) {
    const [[xi, yi], [xj, yj]] = [vertices[i], vertices[j]];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) within = !within;
  }
  return within;
}
