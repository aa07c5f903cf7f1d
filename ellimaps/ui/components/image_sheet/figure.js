// Images as they are seen, as a figure: captions below each, and what stands for the colors.

import { element, nice } from "../common.js";
import { drawImage } from "./painting.js";

const GAP = 10;
const CAPTION = 22;
const TITLE = 28;
const ROW = 20;
const PATCH = 12;
// Letters stay sharp on paper, and eight images of 720 pixels are 11 megapixels a channel.
const DOTS_PER_PIXEL = 2;

export function figureOf({ images, view, controls, data, root }) {
  const { fontFamily } = getComputedStyle(root);
  const columns = images.filter(({ canvas }) => canvas.offsetTop === images[0].canvas.offsetTop).length;
  const across = Math.max(...images.map(({ canvas }) => canvas.clientWidth));
  const down = Math.max(...images.map(({ width, height }) => (across * height) / width));
  const rows = Math.ceil(images.length / columns);
  const letters = looksIn(controls);
  const top = TITLE + rows * (down + CAPTION + GAP);
  const ruler = Object.assign(element("canvas").getContext("2d"), { font: `bold 14px ${fontFamily}` });
  const wide = Math.max(columns * (across + GAP) + GAP, ruler.measureText(data.title).width + 2 * GAP, 320);
  const draw = (context) => {
    context.font = ruler.font;
    write(context, data.title, GAP, 18);
    context.font = `13px ${fontFamily}`;
    images.forEach((image, number) => {
      const x = GAP + (number % columns) * (across + GAP);
      const y = TITLE + Math.floor(number / columns) * (down + CAPTION + GAP);
      drawImage(context, image, view, [x, y, across]);
      context.font = `13px ${fontFamily}`;
      write(context, image.title, x, y + (across * image.height) / image.width + 16);
    });
    letters.forEach(([color, text], row) => {
      context.fillStyle = color;
      context.fillRect(GAP, top + row * ROW, PATCH, PATCH);
      write(context, text, GAP + PATCH + 6, top + row * ROW + PATCH - 1);
    });
  };
  const height = Math.ceil(top + letters.length * ROW + GAP);
  return { title: data.title, width: Math.ceil(wide), height, dots: DOTS_PER_PIXEL, draw };
}

// Of each channel that is shown its color, and the values that are black and white.
function looksIn({ channels, looks, gamma }) {
  return channels
    .map((channel, number) => [channel, looks[number]])
    .filter(([, look]) => look.on)
    .map(([channel, look]) => [
      look.color,
      `${channel.name}: ${valueAt(channel, look.low)} to ${valueAt(channel, look.high)}, gamma ${gamma.toFixed(2)}`,
    ]);
}

function valueAt({ low, high }, percent) {
  return nice(low + ((high - low) * percent) / 100);
}

function write(context, text, x, y) {
  Object.assign(context, { fillStyle: "#000", textAlign: "left", textBaseline: "alphabetic" });
  context.fillText(text, x, y);
}
