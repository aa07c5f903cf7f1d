// A map by keyboard: a cross whose pixel Enter picks, and keys that move what is seen.

import { arrowOf, clamp, onKeys } from "../common.js";

// Ten presses cross what is seen.
const SHARE = 0.1;

export class MapKeys {
  constructor(viewer, help) {
    Object.assign(this, { viewer, help, cross: null });
    help.id = "keys";
  }

  // What is said of the keys while a map has the focus.
  explain({ tools, steps }) {
    this.help.textContent = [
      "Arrow keys move the cross",
      ...(tools.includes("pixel") ? ["Enter picks its pixel"] : []),
      "Shift + arrow keys move the map, + and − zoom, 0 shows the whole",
      ...(steps ? ["Page Up and Page Down step the slider"] : []),
    ].join(", ");
  }

  // A click keeps the focus on all maps, where the arrow keys step the slider.
  attach(canvas) {
    canvas.tabIndex = 0;
    canvas.setAttribute("aria-describedby", this.help.id);
    canvas.addEventListener("mousedown", (event) => event.preventDefault());
    canvas.addEventListener("focus", () => this.show(this.seen(this.cross)));
    canvas.addEventListener("blur", () => this.show(null));
    onKeys(canvas, (key, event) => this.actionOf(key, event));
  }

  actionOf(key, { shiftKey }) {
    const arrow = arrowOf(key);
    if (arrow) return () => (shiftKey ? this.moveMap(arrow) : this.moveCross(arrow));
    const { viewer } = this;
    const steps = viewer.data.steps && { PageUp: () => viewer.step(-1), PageDown: () => viewer.step(1) };
    return {
      ...steps,
      Enter: () => viewer.sendPixel(this.cross),
      "+": () => this.zoom(1.5),
      "=": () => this.zoom(1.5),
      "-": () => this.zoom(1 / 1.5),
    }[key];
  }

  moveCross([dx, dy]) {
    const { width, height } = this.viewer.data;
    const [x, y] = this.cross ?? this.seen(null);
    this.cross = [clamp(x + dx, 0, width - 1), clamp(y + dy, 0, height - 1)];
    if (!this.isSeen(this.cross)) this.moveMap([dx, dy]);
    this.show(this.seen(this.cross));
  }

  moveMap([dx, dy]) {
    const { view } = this.viewer;
    this.viewer.see(view.moved(dx * SHARE * view.width, dy * SHARE * view.height));
  }

  zoom(factor) {
    this.viewer.zoom(
      factor,
      this.cross?.map((at) => at + 0.5),
    );
  }

  show(cross) {
    this.viewer.cross = cross;
    this.cross = cross ?? this.cross;
    this.viewer.showReadout(cross);
    this.viewer.draw();
  }

  // The pixel itself, or where it is not seen the one in the middle.
  seen(pixel) {
    const { view } = this.viewer;
    if (pixel && this.isSeen(pixel)) return pixel;
    return [view.x + view.width / 2, view.y + view.height / 2].map(Math.floor);
  }

  isSeen([x, y]) {
    const { view } = this.viewer;
    return (
      x >= Math.floor(view.x) &&
      x < view.x + view.width &&
      y >= Math.floor(view.y) &&
      y < view.y + view.height
    );
  }
}
