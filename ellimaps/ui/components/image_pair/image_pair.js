// Pictures side by side: channels are mixed here, so switching, colors, contrast and gamma answer at once.
// What was chosen stays when other pictures of the same channels are shown.

import { arrowOf, clamp, element, mounted, nice, onKeys, onZoomWheel, roundDown } from "../common.js";
import { Controls } from "./controls.js";
import { loaded, mixed, table } from "./mixing.js";

const WHOLE = { x: 0, y: 0, scale: 1 };
// A picture of 720 pixels then shows 18 of them.
const MOST_ZOOM = 40;
// Ten presses cross what is seen.
const SHARE = 0.1;

export default mounted((parent) => new Pair(parent.querySelector(".pair")));

class Pair {
  constructor(root) {
    this.root = root;
    root.replaceChildren();
    this.controls = new Controls(element("div", "controls", root), {
      onLook: () => this.mix(),
      onReset: () => this.see(WHOLE),
    });
    this.grid = element("div", "pictures", root);
    Object.assign(this.grid, { tabIndex: 0, role: "group", ariaLabel: "Images: arrow keys, +, − and 0" });
    onKeys(this.grid, (key) => this.actionOf(key));
    element("div", "hint", root).textContent =
      "Drag or arrow keys move and Ctrl + wheel or + and − zoom all images together, " +
      "a double click or 0 shows the whole.";
    this.pictures = [];
    this.view = WHOLE;
    this.turn = 0;
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(root);
  }

  close() {
    this.observer.disconnect();
    this.root.replaceChildren();
  }

  // Pictures that are read after newer ones were asked for are not shown.
  async update({ data }) {
    const turn = ++this.turn;
    this.controls.take(data.channels);
    const pictures = await Promise.all(data.pictures.map(loaded));
    if (turn !== this.turn) return;
    this.pictures = pictures;
    this.grid.replaceChildren();
    for (const picture of pictures) picture.canvas = this.buildPicture(picture.title);
    this.mix();
  }

  buildPicture(title) {
    const box = element("div", "picture", this.grid);
    element("div", "title", box, title).title = title;
    const canvas = element("canvas", "", box);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", title);
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.drag = { x: event.clientX, y: event.clientY, view: this.view, width: canvas.clientWidth };
    });
    canvas.addEventListener("pointermove", (event) => this.onMove(event));
    canvas.addEventListener("pointerup", () => (this.drag = null));
    canvas.addEventListener("dblclick", () => this.see(WHOLE));
    onZoomWheel(canvas, (factor, event) => this.zoom(canvas, factor, event));
    return canvas;
  }

  // Position and size of the view are shares of the picture, so pictures of different sizes stay linked.
  onMove(event) {
    if (!this.drag) return;
    const { view, width } = this.drag;
    const share = 1 / (width * view.scale);
    this.see({
      scale: view.scale,
      x: view.x - (event.clientX - this.drag.x) * share,
      y: view.y - (event.clientY - this.drag.y) * share,
    });
  }

  zoom(canvas, factor, event) {
    const box = canvas.getBoundingClientRect();
    this.zoomed(factor, [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.width]);
  }

  // Around a point of the pictures as they are seen, in shares of their width.
  zoomed(factor, at) {
    const { x, y, scale } = this.view;
    const next = clamp(scale * factor, 1, MOST_ZOOM);
    this.see({ scale: next, x: x + at[0] / scale - at[0] / next, y: y + at[1] / scale - at[1] / next });
  }

  actionOf(key) {
    const { x, y, scale } = this.view;
    const arrow = arrowOf(key);
    const move = ([dx, dy]) => this.see({ scale, x: x + (dx * SHARE) / scale, y: y + (dy * SHARE) / scale });
    if (arrow) return () => move(arrow);
    return {
      "+": () => this.zoomed(1.5, [0.5, 0.5]),
      "=": () => this.zoomed(1.5, [0.5, 0.5]),
      "-": () => this.zoomed(1 / 1.5, [0.5, 0.5]),
      0: () => this.see(WHOLE),
    }[key];
  }

  see({ x, y, scale }) {
    const room = 1 - 1 / scale;
    this.view = { scale, x: clamp(x, 0, room), y: clamp(y, 0, room) };
    this.draw();
  }

  mix() {
    const tables = this.controls.looks.map((look) => table(look, this.controls.gamma));
    for (const picture of this.pictures) picture.mixed = mixed(picture, tables);
    this.draw();
  }

  draw() {
    const { view } = this;
    const ratio = window.devicePixelRatio || 1;
    for (const { canvas, mixed: image, width, height, widthPx, pixelUm } of this.pictures) {
      if (!image) continue;
      canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
      canvas.height = Math.max(1, Math.round((canvas.width * height) / width));
      const context = canvas.getContext("2d");
      // Enlarged pixels are shown as they were measured.
      context.imageSmoothingEnabled = canvas.width <= width * view.scale;
      const scale = (canvas.width / width) * view.scale;
      context.setTransform(scale, 0, 0, scale, -view.x * width * scale, -view.y * width * scale);
      context.drawImage(image, 0, 0);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      const perPoint = widthPx / (canvas.clientWidth * view.scale);
      drawScaleBar(context, canvas.clientWidth, canvas.height / ratio, perPoint, pixelUm);
    }
  }
}

// About a quarter of the width, a round length in micrometers; in pixels of the file where it has no size.
function drawScaleBar(context, width, height, pxPerPoint, pixelUm) {
  const perPoint = pxPerPoint * (pixelUm ?? 1);
  const length = roundDown(perPoint * width * 0.25);
  const text = `${nice(length)} ${pixelUm ? "µm" : "px"}`;
  context.font = "12px sans-serif";
  const points = length / perPoint;
  context.fillStyle = "rgba(0, 0, 0, 0.6)";
  context.fillRect(6, height - 32, Math.max(points, context.measureText(text).width) + 12, 26);
  context.fillStyle = "#fff";
  context.fillRect(12, height - 13, points, 3);
  context.fillText(text, 12, height - 17);
}
