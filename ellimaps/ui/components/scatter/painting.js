// How the scatter plot is drawn: points, axes, the lasso.

import { clipped, nice, ticks, uprightText } from "../common.js";
import { MARGIN } from "./view.js";

// Ten thousand points of this size leave gaps between groups; chosen by eye.
const RADIUS = 3.5;
const FAINT = 0.18;
const OPAQUE = 0.85;

// Draw layers of points, a ring around one of them, the axes and the lasso; points in pixels of the canvas.
export function drawPlot(context, plot, { paintPoints, edge, ringed, lasso, view, axes, style }) {
  clipped(context, [MARGIN.left, MARGIN.top, plot.width, plot.height], () => {
    paintPoints(context);
    for (const center of edge) drawEdge(context, center, style.color);
    if (ringed) drawRing(context, ringed, style.color);
  });
  drawAxes(context, plot, view, axes, style);
  if (lasso) drawLasso(context, lasso, style.color);
}

// One path per color: ten thousand points take a few milliseconds.
export function drawLayer(context, { color, faint, centers }) {
  context.globalAlpha = faint ? FAINT : OPAQUE;
  context.fillStyle = color;
  context.beginPath();
  for (const [x, y] of centers) {
    context.moveTo(x + RADIUS, y);
    context.arc(x, y, RADIUS, 0, 2 * Math.PI);
  }
  context.fill();
  context.globalAlpha = 1;
}

// An image of hundreds of thousands of points, squares of three pixels: as paths they would take a second.
// Colors are [red, green, blue] by point; what is faint lies below.
export function splat(canvas, { xs, ys, shown, colorAt, isFaint, ratio }) {
  const { width, height } = canvas;
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const passes = isFaint ? [true, false] : [false];
  for (const faint of passes) {
    const alpha = Math.round(255 * (faint ? FAINT : OPAQUE)) << 24;
    for (const index of shown) {
      if (isFaint && isFaint(index) !== faint) continue;
      const x = Math.round(xs[index] * ratio);
      const y = Math.round(ys[index] * ratio);
      if (!(x > 0 && y > 0 && x < width - 1 && y < height - 1)) continue;
      const [red, green, blue] = colorAt(index);
      const color = (alpha | (blue << 16) | (green << 8) | red) >>> 0;
      for (let at = (y - 1) * width + x; at <= (y + 1) * width + x; at += width) {
        pixels[at - 1] = pixels[at] = pixels[at + 1] = color;
      }
    }
  }
  const layer = new OffscreenCanvas(width, height);
  layer.getContext("2d").putImageData(image, 0, 0);
  return layer;
}

// A point that lies far out, at the edge it lies behind.
function drawEdge(context, [x, y], color) {
  context.strokeStyle = color;
  context.lineWidth = 1.5;
  context.strokeRect(x - RADIUS - 1, y - RADIUS - 1, 2 * RADIUS + 2, 2 * RADIUS + 2);
}

function drawRing(context, [x, y], color) {
  context.strokeStyle = color;
  context.lineWidth = 1.5;
  context.beginPath();
  context.arc(x, y, RADIUS + 2.5, 0, 2 * Math.PI);
  context.stroke();
}

function drawAxes(context, { width, height }, view, [xTitle, yTitle], style) {
  const { left, top } = MARGIN;
  context.strokeStyle = context.fillStyle = style.color;
  context.lineWidth = 1;
  context.globalAlpha = 0.45;
  context.strokeRect(left + 0.5, top + 0.5, width - 1, height - 1);
  context.globalAlpha = 1;
  context.font = `11px ${style.fontFamily}`;
  context.textAlign = "center";
  for (const tick of ticks(view.x0, view.x1, width / 90)) {
    const [x] = view.toCanvas({ width, height }, tick, 0);
    context.fillText(nice(tick), x, top + height + 14);
  }
  context.fillText(xTitle, left + width / 2, top + height + 31);
  context.textAlign = "right";
  for (const tick of ticks(view.y0, view.y1, height / 60)) {
    const [, y] = view.toCanvas({ width, height }, 0, tick);
    context.fillText(nice(tick), left - 5, y + 4);
  }
  uprightText(context, yTitle, 11, top + height / 2);
}

function drawLasso(context, vertices, color) {
  context.strokeStyle = color;
  context.setLineDash([4, 3]);
  context.beginPath();
  for (const [x, y] of vertices) context.lineTo(x, y);
  context.closePath();
  context.stroke();
  context.setLineDash([]);
}
