// Images side by side: channels are mixed here, so switching, colors, contrast and gamma answer at once.
// What was chosen stays when other images of the same channels are shown.

import { arrowOf, button, clamp, cleared, element, mounted, onKeys, onZoomWheel, resize } from "../common.js";
import { addSaving } from "../saving.js";
import { Controls } from "./controls.js";
import { figureOf } from "./figure.js";
import { loaded, mixed, table } from "./mixing.js";
import { drawImage } from "./painting.js";

const WHOLE = { x: 0, y: 0, scale: 1 };
// An image of 720 pixels then shows 18 of them.
const MOST_ZOOM = 40;
// Ten presses cross what is seen.
const SHARE = 0.1;
// As far as a click moves the pointer.
const STILL_PX = 4;

export default mounted((parent) => new Sheet(parent.querySelector(".sheet")));

class Sheet {
  constructor(root) {
    this.root = root;
    root.replaceChildren();
    const folded = element("details", "", root);
    element("summary", "", folded, "Channels: colour, contrast, gamma");
    this.folded = folded;
    this.controls = new Controls(element("div", "controls", folded), {
      onLook: () => this.mix(),
      onChosen: (look) => this.component.setStateValue("look", look),
    });
    this.grid = element("div", "images", root);
    Object.assign(this.grid, { tabIndex: 0, role: "group", ariaLabel: "Images: arrow keys, +, − and 0" });
    onKeys(this.grid, (key, { target }) => (target === this.grid ? this.actionOf(key) : null));
    this.buildBar(element("div", "toolbar", root));
    this.images = [];
    this.view = WHOLE;
    this.turn = 0;
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(root);
  }

  buildBar(bar) {
    button(bar, "Reset view", "Show all of each image (0)", () => this.see(WHOLE));
    this.nameSaving = addSaving(
      bar,
      () => figureOf(this),
      (text) => (this.hint.textContent = text),
    );
    this.hint = element("span", "hint", bar);
  }

  close() {
    this.observer.disconnect();
    this.root.replaceChildren();
  }

  // Images that are read after newer ones were asked for are not shown.
  async update(component) {
    const { data } = component;
    this.component = component;
    if (!this.data) this.folded.open = data.isOpen;
    this.nameSaving(data.title);
    for (const size of ["least", "edge"]) this.root.style.setProperty(`--${size}`, `${data[size]}px`);
    this.controls.take(data.channels, data.look);
    const before = this.data;
    this.data = data;
    if (before && JSON.stringify(before.images) === JSON.stringify(data.images)) return this.mix();
    const turn = ++this.turn;
    const images = await Promise.all(data.images.map(loaded));
    if (turn !== this.turn) return;
    this.images = images;
    this.grid.replaceChildren();
    images.forEach((image, number) => this.buildImage(image, number));
    this.hint.textContent =
      "Drag or arrow keys move and Ctrl + wheel or + and − zoom all together, a double click shows the whole." +
      (data.opens ? " A click opens the well." : "");
    this.mix();
  }

  buildImage(image, number) {
    const { title } = image;
    const box = element("div", "image", this.grid);
    const canvas = element("canvas", "", box);
    image.canvas = canvas;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", title);
    const open = this.data.opens ? () => this.component.setTriggerValue("opened", { number }) : null;
    if (open) button(box, title, `Open the images of ${title}`, open).className = "title";
    else element("div", "title", box, title).title = title;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.drag = { x: event.clientX, y: event.clientY, view: this.view, width: canvas.clientWidth };
    });
    canvas.addEventListener("pointermove", (event) => this.onMove(event));
    canvas.addEventListener("pointerup", ({ clientX, clientY }) => {
      const still = this.drag && Math.hypot(clientX - this.drag.x, clientY - this.drag.y) < STILL_PX;
      this.drag = null;
      if (still) open?.();
    });
    canvas.addEventListener("dblclick", () => this.see(WHOLE));
    onZoomWheel(canvas, (factor, event) => this.zoom(canvas, factor, event));
  }

  // Position and size of the view are shares of the image, so images of different sizes stay linked.
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

  // Around a point of the images as they are seen, in shares of their width.
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
    for (const image of this.images) image.mixed = mixed(image, tables);
    this.draw();
  }

  draw() {
    for (const image of this.images) {
      const { canvas, width, height } = image;
      if (!image.mixed) continue;
      const across = Math.max(1, canvas.parentElement.clientWidth);
      resize(canvas, across, (across * height) / width);
      drawImage(cleared(canvas), image, this.view, [0, 0, across]);
    }
  }
}
