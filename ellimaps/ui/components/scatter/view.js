// The part of the plane that is seen, and the canvas it is seen on.

// Room for ticks and titles of the axes.
export const MARGIN = { left: 46, right: 8, top: 8, bottom: 38 };

export class View {
  constructor({ x0, x1, y0, y1 }) {
    Object.assign(this, { x0, x1, y0, y1 });
  }

  // All points but those far out, and a twentieth of their extent around them.
  static around(xs, ys) {
    const [x0, x1] = extent(xs);
    const [y0, y1] = extent(ys);
    return new View({ x0, x1, y0, y1 });
  }

  has(x, y) {
    return x >= this.x0 && x <= this.x1 && y >= this.y0 && y <= this.y1;
  }

  zoomed(factor, [x, y] = [(this.x0 + this.x1) / 2, (this.y0 + this.y1) / 2]) {
    return new View({
      x0: x - (x - this.x0) / factor,
      x1: x + (this.x1 - x) / factor,
      y0: y - (y - this.y0) / factor,
      y1: y + (this.y1 - y) / factor,
    });
  }

  // By shares of what is seen.
  moved(right, down) {
    const dx = right * (this.x1 - this.x0);
    const dy = down * (this.y1 - this.y0);
    return new View({ x0: this.x0 - dx, x1: this.x1 - dx, y0: this.y0 + dy, y1: this.y1 + dy });
  }

  toCanvas(plot, x, y) {
    return [
      MARGIN.left + ((x - this.x0) / (this.x1 - this.x0)) * plot.width,
      MARGIN.top + (1 - (y - this.y0) / (this.y1 - this.y0)) * plot.height,
    ];
  }

  toPlane(plot, x, y) {
    return [
      this.x0 + ((x - MARGIN.left) / plot.width) * (this.x1 - this.x0),
      this.y0 + (1 - (y - MARGIN.top) / plot.height) * (this.y1 - this.y0),
    ];
  }
}

// One point far out would flatten all others. As Tukey's, those beyond three interquartile ranges do not count,
// unless they are more than one in a hundred: a strong effect is no outlier.
function extent(values) {
  const sorted = values.filter(Number.isFinite).toSorted();
  const count = sorted.length;
  if (!count) return [0, 1];
  const at = (share) => sorted[Math.round(share * (count - 1))];
  const reach = 3 * (at(0.75) - at(0.25)) || Infinity;
  const inside = sorted.filter((value) => value >= at(0.25) - reach && value <= at(0.75) + reach);
  const seen = count - inside.length > Math.max(1, count / 100) ? sorted : inside;
  const [low, high] = [seen[0], seen.at(-1)];
  const room = (high - low) * 0.05 || 1;
  return [low - room, high + room];
}
