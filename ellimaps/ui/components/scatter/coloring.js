// The colors of points: by group, with groups that can be hidden, or by value.

import { clamp, decode, rgbOf } from "../common.js";

const NO_VALUE_COLOR = "#9e9e9e";
const NO_VALUE_RGB = rgbOf(NO_VALUE_COLOR);

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
    this.rgb = palette.map(rgbOf);
  }

  rgbAt(index) {
    return this.rgb[this.codes[index]];
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

  rgbAt(index) {
    const value = this.values[index];
    if (!Number.isFinite(value)) return NO_VALUE_RGB;
    const share = clamp((value - this.low) / (this.high - this.low || 1), 0, 1);
    return this.colormap[Math.round(share * 255)];
  }

  colorOf(index) {
    return `rgb(${this.rgbAt(index)})`;
  }

  isOf() {
    return false;
  }

  isShown() {
    return true;
  }
}
