// The colors of points: by group, with groups that can be hidden, or by value.

import { clamp, decode } from "../common.js";

const NO_VALUE_COLOR = "#9e9e9e";

export class Groups {
  constructor(data) {
    this.names = data.names;
    this.hidden = new Set(data.hidden);
    this.take(data);
  }

  // Other points of the same groups.
  take({ codes, palette }) {
    this.codes = decode(codes, Uint16Array);
    this.palette = palette;
  }

  isOf(names) {
    return this.names.join("\n") === names?.join("\n");
  }

  colorOf(index) {
    return this.palette[this.codes[index]];
  }

  isShown(index) {
    return !this.hidden.has(this.codes[index]);
  }

  toggle(group) {
    if (!this.hidden.delete(group)) this.hidden.add(group);
  }

  // A group alone; all of them if it is alone already.
  isolate(group) {
    const others = this.names.map((_, index) => index).filter((index) => index !== group);
    const alone = !this.hidden.has(group) && others.every((index) => this.hidden.has(index));
    this.hidden = new Set(alone ? [] : others);
  }
}

export class Scale {
  constructor({ values, title, colormap }) {
    Object.assign(this, { title, colormap, values: decode(values, Float32Array) });
    const sorted = this.values.filter(Number.isFinite).toSorted();
    const at = (share) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
    // A few extreme values must not take the colors from all others.
    [this.low, this.high] = [at(0.01), at(0.99)];
  }

  colorOf(index) {
    const value = this.values[index];
    if (!Number.isFinite(value)) return NO_VALUE_COLOR;
    const share = clamp((value - this.low) / (this.high - this.low || 1), 0, 1);
    return `rgb(${this.colormap[Math.round(share * 255)]})`;
  }

  isOf() {
    return false;
  }

  isShown() {
    return true;
  }
}
