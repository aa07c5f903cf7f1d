// A drawing context that writes SVG: as much of a canvas's as maps, points and images are drawn with.

const NS = "http://www.w3.org/2000/svg";
const ANCHORS = { left: "start", center: "middle", right: "end" };
const BASELINES = { top: "hanging", middle: "central", bottom: "text-after-edge", alphabetic: "alphabetic" };

export class SvgContext {
  constructor(width, height) {
    this.root = svg("svg", { xmlns: NS, width, height, viewBox: `0 0 ${width} ${height}` });
    this.parent = this.root;
    this.saved = [];
    this.dash = [];
    this.ruler = document.createElement("canvas").getContext("2d");
    Object.assign(this, { fillStyle: "#000", strokeStyle: "#000", lineWidth: 1, font: "10px sans-serif" });
    this.globalAlpha = 1;
    Object.assign(this, { textAlign: "left", textBaseline: "alphabetic" });
  }

  get text() {
    return new XMLSerializer().serializeToString(this.root);
  }

  add(tag, attributes) {
    const made = svg(tag, attributes);
    this.parent.append(made);
    return made;
  }

  fillRect(x, y, width, height) {
    this.add("rect", { x, y, width, height, fill: this.fillStyle });
  }

  strokeRect(x, y, width, height) {
    this.add("rect", { x, y, width, height, fill: "none", ...this.strokes() });
  }

  // The pixels stay pixels, whatever is made of the picture later.
  drawImage(canvas, ...numbers) {
    const [sx, sy, sw, sh] = numbers.length > 4 ? numbers : [0, 0, canvas.width, canvas.height];
    const [x, y, width, height] = numbers.slice(-4);
    const place = { x, y, width, height, viewBox: `${sx} ${sy} ${sw} ${sh}`, preserveAspectRatio: "none" };
    const { width: across, height: down } = canvas;
    const style = "image-rendering: pixelated";
    this.add("svg", place).append(
      svg("image", { href: canvas.toDataURL(), width: across, height: down, style }),
    );
  }

  fillText(text, x, y) {
    this.write(text, x, y, { fill: this.fillStyle });
  }

  strokeText(text, x, y) {
    this.write(text, x, y, { fill: "none", ...this.strokes() });
  }

  write(text, x, y, paint) {
    const align = {
      "text-anchor": ANCHORS[this.textAlign],
      "dominant-baseline": BASELINES[this.textBaseline],
    };
    this.add("text", { x, y, style: `font: ${this.font}`, ...align, ...paint }).textContent = text;
  }

  beginPath() {
    this.path = [];
  }

  moveTo(x, y) {
    this.path.push(`M${x} ${y}`);
  }

  lineTo(x, y) {
    this.path.push(`${this.path.length ? "L" : "M"}${x} ${y}`);
  }

  closePath() {
    this.path.push("Z");
  }

  // A whole circle: no other arc is drawn.
  arc(x, y, radius) {
    const half = (across) => `a${radius} ${radius} 0 1 0 ${across} 0`;
    this.path.push(`M${short(x - radius)} ${short(y)}${half(2 * radius)}${half(-2 * radius)}`);
  }

  fill() {
    this.add("path", { d: this.path.join(""), fill: this.fillStyle, "fill-opacity": this.globalAlpha });
  }

  measureText(text) {
    this.ruler.font = this.font;
    return this.ruler.measureText(text);
  }

  rect(x, y, width, height) {
    this.path.push(`M${x} ${y}h${width}v${height}h${-width}Z`);
  }

  stroke() {
    this.add("path", { d: this.path.join(""), fill: "none", ...this.strokes() });
  }

  setLineDash(dash) {
    this.dash = dash;
  }

  save() {
    const { parent, fillStyle, strokeStyle, lineWidth, font, textAlign, textBaseline, dash } = this;
    this.saved.push({ parent, fillStyle, strokeStyle, lineWidth, font, textAlign, textBaseline, dash });
  }

  restore() {
    Object.assign(this, this.saved.pop());
  }

  clip() {
    this.clips = (this.clips ?? 0) + 1;
    const id = `clip${this.clips}`;
    this.add("clipPath", { id }).append(svg("path", { d: this.path.join("") }));
    this.parent = this.add("g", { "clip-path": `url(#${id})` });
  }

  translate(x, y) {
    this.parent = this.add("g", { transform: `translate(${x} ${y})` });
  }

  rotate(angle) {
    this.parent = this.add("g", { transform: `rotate(${(angle * 180) / Math.PI})` });
  }

  strokes() {
    const dash = this.dash.length ? { "stroke-dasharray": this.dash.join(" ") } : {};
    const { strokeStyle: stroke, lineWidth, globalAlpha } = this;
    return { stroke, "stroke-width": lineWidth, "stroke-opacity": globalAlpha, ...dash };
  }
}

// A hundredth of a pixel is not seen, and 20,000 points are files.
const short = (value) => Number(value.toFixed(2));

function svg(tag, attributes) {
  const made = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes))
    if (name !== "xmlns") made.setAttribute(name, value);
  return made;
}
