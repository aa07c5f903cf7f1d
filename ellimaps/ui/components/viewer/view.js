// The part of a map that is seen: the same in all panels, in pixels of the map as it was sent.

import { clamp } from "../common.js";

// Room for ticks and titles of the axes.
export const MARGIN = { left: 42, bottom: 34, top: 7, right: 14 };

export class View {
  constructor(whole, { x, y, width, height } = { x: 0, y: 0, ...whole }) {
    Object.assign(this, { whole, width, height });
    this.x = clamp(x, 0, whole.width - width);
    this.y = clamp(y, 0, whole.height - height);
  }

  // At least four pixels are seen, at most the whole.
  zoomed(factor, [x, y] = [this.x + this.width / 2, this.y + this.height / 2]) {
    const { whole } = this;
    const closest = 4 / Math.min(whole.width, whole.height);
    const scale = Math.min(1, Math.max(closest, this.width / factor / whole.width));
    const [width, height] = [whole.width * scale, whole.height * scale];
    return new View(whole, {
      x: x - ((x - this.x) / this.width) * width,
      y: y - ((y - this.y) / this.height) * height,
      width,
      height,
    });
  }

  moved(dx, dy) {
    return new View(this.whole, { ...this, x: this.x + dx, y: this.y + dy });
  }

  toCanvas(area, x, y) {
    return [
      MARGIN.left + ((x - this.x) / this.width) * area.width,
      MARGIN.top + ((y - this.y) / this.height) * area.height,
    ];
  }

  toMap(area, x, y) {
    return [
      this.x + ((x - MARGIN.left) / area.width) * this.width,
      this.y + ((y - MARGIN.top) / area.height) * this.height,
    ];
  }

  toString() {
    return [this.x, this.y, this.width, this.height].map((value) => value.toFixed(2)).join(" ");
  }
}
