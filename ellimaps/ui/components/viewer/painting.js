// How the maps are drawn: values and clusters as images, then regions, scale bar and axes over them.

import { clamp, cleared, clipped, element, nice, rgbOf, roundDown, ticks, uprightText } from "../common.js";
import { MARGIN } from "./view.js";

// As in viewer.py.
export const NO_VALUE = 65535;
export const NO_DATA = 0;
export const DROPPED = 255;
// A color that no color map has: of filled pixels, and of the rims of objects and of a cluster.
const MARKED = [255, 0, 160];

// A panel's values in colors; filled pixels marked, doubtful ones hatched.
export function valuesImage(panel, { data }) {
  const { width, height } = data;
  const { low, high, limits, diverging } = panel.data;
  const colormap = diverging ? data.diverging : data.colormap;
  const image = new ImageData(width, height);
  const scale = (high - low) / (NO_VALUE - 1);
  const span = limits[1] - limits[0] || 1;
  for (let i = 0, o = 0; i < panel.codes.length; i++, o += 4) {
    const code = panel.codes[i];
    if (code === NO_VALUE) {
      if (panel.doubtful?.[i]) image.data.set(hatching(i % width, Math.floor(i / width)), o);
      continue;
    }
    const level = clamp(Math.round(((low + code * scale - limits[0]) / span) * 255), 0, 255);
    let color = colormap[level];
    if (panel.filled?.[i]) color = MARKED;
    image.data[o] = color[0];
    image.data[o + 1] = color[1];
    image.data[o + 2] = color[2];
    image.data[o + 3] = 255;
  }
  return bitmap(image);
}

export function labelsImage(panel, { data }) {
  const image = new ImageData(data.width, data.height);
  const colors = panel.palette.map(rgbOf);
  for (let i = 0, o = 0; i < panel.labels.length; i++, o += 4) {
    const label = panel.labels[i];
    if (label === DROPPED) image.data.set(dropped(i % data.width, Math.floor(i / data.width)), o);
    else if (label !== NO_DATA) image.data.set([...colors[label - 1], 255], o);
  }
  return bitmap(image);
}

// Draw a panel: its image, the outlines over it, the scale bar and the axes.
export function drawPanel(panel, view, data, outlines, style) {
  paintPanel(cleared(panel.canvas), panel, view, data, outlines, style);
}

// The same on any context.
export function paintPanel(context, panel, view, { step, pixelSize }, outlines, style) {
  const { area } = panel;
  const box = [MARGIN.left, MARGIN.top, area.width, area.height];
  context.fillStyle = "#b0b0b0";
  context.fillRect(...box);
  context.imageSmoothingEnabled = false;
  context.drawImage(panel.image, view.x, view.y, view.width, view.height, ...box);
  if (panel.rimmed) context.drawImage(rims(panel, view, panel.image.width), ...box);
  clipped(context, box, () => {
    for (const { vertices, name, color } of outlines) {
      drawOutline(
        context,
        vertices.map(([x, y]) => view.toCanvas(area, x, y)),
        name,
        color,
      );
    }
    if (pixelSize) drawScaleBar(context, area, (view.width * step * pixelSize) / area.width);
  });
  drawAxes(context, area, view, step, style);
}

// The rims of objects or of a cluster in pixels of the screen: as thin at every zoom, and none is left out.
function rims({ rimmed, area }, view, across) {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [area.width, area.height].map((side) => Math.max(1, Math.round(side * ratio)));
  const [columns, rows] = [pixelsAlong(view.x, view.width, width), pixelsAlong(view.y, view.height, height)];
  const at = (x, y) => rimmed[rows[y] * across + columns[x]];
  const image = new ImageData(width, height);
  // A rim is two pixels wide: one is lost on a bright object.
  for (let y = 2; y < height - 2; y++) {
    for (let x = 2; x < width - 2; x++) {
      const own = at(x, y);
      if (own === 0) continue;
      if (own === at(x - 2, y) && own === at(x + 2, y) && own === at(x, y - 2) && own === at(x, y + 2))
        continue;
      image.data.set([...MARKED, 255], 4 * (y * width + x));
    }
  }
  return bitmap(image);
}

// The pixel of the map below each pixel of a side of the screen.
function pixelsAlong(from, seen, count) {
  return Int32Array.from({ length: count }, (_, i) => Math.floor(from + ((i + 0.5) / count) * seen));
}

function drawAxes(context, area, view, step, style) {
  context.strokeStyle = style.color;
  context.fillStyle = style.color;
  context.lineWidth = 1;
  context.font = `11px ${style.fontFamily}`;
  context.strokeRect(MARGIN.left - 0.5, MARGIN.top - 0.5, area.width + 1, area.height + 1);
  const bottom = MARGIN.top + area.height;
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const tick of ticks(view.x * step, (view.x + view.width) * step, area.width / 60, 1)) {
    const [x] = view.toCanvas(area, tick / step, 0);
    line(context, x, bottom, x, bottom + 4);
    context.fillText(tick, x, bottom + 5);
  }
  context.fillText("x (px)", MARGIN.left + area.width / 2, bottom + 19);
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const tick of ticks(view.y * step, (view.y + view.height) * step, area.height / 45, 1)) {
    const [, y] = view.toCanvas(area, 0, tick / step);
    line(context, MARGIN.left - 4, y, MARGIN.left, y);
    context.fillText(tick, MARGIN.left - 6, y);
  }
  uprightText(context, "y (px)", 6, MARGIN.top + area.height / 2);
}

// About a quarter of the width, a round number of micrometres.
function drawScaleBar(context, area, umPerPoint) {
  const length = roundDown(umPerPoint * area.width * 0.25);
  const points = length / umPerPoint;
  const x = MARGIN.left + 10;
  const y = MARGIN.top + area.height - 12;
  context.fillStyle = "rgba(0, 0, 0, 0.6)";
  context.fillRect(x - 6, y - 20, Math.max(points, 60) + 12, 28);
  context.fillStyle = "#fff";
  context.fillRect(x, y, points, 3);
  context.textAlign = "left";
  context.textBaseline = "bottom";
  context.fillText(`${nice(length)} µm`, x, y - 2);
}

// A color on black shows on every other; one vertex is a cross.
function drawOutline(context, points, name, color = "#fff") {
  const trace = points.length === 1 ? () => cross(context, points[0]) : () => polygon(context, points);
  context.strokeStyle = "#000";
  context.lineWidth = 4;
  trace();
  context.strokeStyle = color;
  context.lineWidth = 2;
  if (points.length > 1) context.setLineDash([5, 3]);
  trace();
  context.setLineDash([]);
  if (!name) return;
  const [x, y] = [points[0][0] + 6, points[0][1] - 4];
  context.font = "bold 12px sans-serif";
  context.fillStyle = color;
  context.strokeStyle = "#000";
  context.lineWidth = 3;
  context.textAlign = "left";
  context.textBaseline = "bottom";
  context.strokeText(name, x, y);
  context.fillText(name, x, y);
}

function polygon(context, points) {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  context.closePath();
  context.stroke();
}

function cross(context, [x, y]) {
  line(context, x - 7, y, x + 7, y);
  line(context, x, y - 7, x, y + 7);
}

function line(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

function dropped(x, y) {
  const shade = (x + y) % 4 === 0 ? 90 : 115;
  return [shade, shade, shade, 255];
}

function hatching(x, y) {
  const shade = (x + y) % 6 < 2 ? 225 : 145;
  return [shade, shade, shade, 255];
}

function bitmap(image) {
  const canvas = element("canvas");
  Object.assign(canvas, { width: image.width, height: image.height });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
