// A panel as a figure with its title, axes and colors, black on white.

import { colormapOf, limitsOf, marksOf } from "./legend.js";
import { paintPanel } from "./painting.js";
import { MARGIN } from "./view.js";

// Sharp on paper, too.
const DOTS_PER_PIXEL = 3;
const TITLE = 24;
const ROW = 18;
const PATCH = 12;
const COLORS = { filled: "#ff00a0", hatched: "#919191", empty: "#b0b0b0", dropped: "#6e6e6e" };

// Of what is seen at the moment: { panel, view, data, outlines, fontFamily }.
export function figureOf(map) {
  const { width, height } = sizeOf(map, document.createElement("canvas").getContext("2d"));
  const draw = (context) => drawFigure(context, map);
  return { title: map.panel.data.title, width, height, dots: DOTS_PER_PIXEL, draw };
}

function sizeOf(map, context) {
  const { panel } = map;
  context.font = titleFont(map);
  const title = MARGIN.left + context.measureText(panel.data.title).width + MARGIN.right;
  const width = Math.ceil(Math.max(title, MARGIN.left + panel.area.width + MARGIN.right, 260));
  const drawn = MARGIN.top + panel.area.height + MARGIN.bottom;
  const rows = panel.codes ? 2 : panel.palette.length + 1;
  return { width, height: Math.ceil(TITLE + drawn + rows * ROW + 6) };
}

const titleFont = ({ fontFamily }) => `bold 13px ${fontFamily}`;

function drawFigure(context, map) {
  const { panel, view, data, outlines, fontFamily } = map;
  context.fillStyle = "#000";
  context.font = titleFont(map);
  context.textAlign = "left";
  context.textBaseline = "top";
  context.fillText(panel.data.title, MARGIN.left, 6);
  context.save();
  context.translate(0, TITLE);
  paintPanel(context, panel, view, data, outlines, { color: "#000", fontFamily });
  context.restore();
  context.font = `11px ${fontFamily}`;
  const top = TITLE + MARGIN.top + panel.area.height + MARGIN.bottom + 4;
  if (panel.codes) drawBar(context, panel, data, top);
  else drawNames(context, panel, top);
}

function drawBar(context, panel, data, top) {
  const [low, high] = limitsOf(panel.data);
  const length = Math.min(160, Math.max(60, panel.area.width / 2));
  const left = MARGIN.left + 48;
  context.drawImage(rampOf(colormapOf(panel, data)), left, top, length, PATCH);
  context.strokeStyle = "#000";
  context.lineWidth = 1;
  context.strokeRect(left, top, length, PATCH);
  say(context, low, left - 5, top, "right");
  say(context, high, left + length + 5, top, "left");
  let x = MARGIN.left;
  for (const [kind, text] of marksOf(panel)) x = drawEntry(context, COLORS[kind], text, x, top + ROW);
}

function drawNames(context, panel, top) {
  panel.palette.forEach((color, index) =>
    drawEntry(context, color, panel.names[index], MARGIN.left, top + index * ROW),
  );
  let x = MARGIN.left;
  for (const [kind, text] of marksOf(panel))
    x = drawEntry(context, COLORS[kind], text, x, top + panel.palette.length * ROW);
}

function drawEntry(context, color, text, x, y) {
  context.fillStyle = color;
  context.fillRect(x, y, PATCH, PATCH);
  say(context, text, x + PATCH + 5, y, "left");
  return x + 90;
}

function say(context, text, x, y, align) {
  context.fillStyle = "#000";
  context.textAlign = align;
  context.textBaseline = "middle";
  context.fillText(text, x, y + PATCH / 2);
}

function rampOf(colormap) {
  const image = new ImageData(colormap.length, 1);
  colormap.forEach((color, index) => image.data.set([...color, 255], 4 * index));
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: colormap.length, height: 1 });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
