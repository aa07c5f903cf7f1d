// A drawing as a file: PNG, SVG, or a copy. A figure is { title, width, height, dots, draw }, in CSS pixels.

import { button } from "./common.js";
import { SvgContext } from "./svg_context.js";

// Buttons that save what `figureOf` gives when they are pressed; returns what gives them its title.
export function addSaving(parent, figureOf, tell) {
  const act = (text, title, action) => {
    const made = button(parent, text, title, () => action(figureOf()));
    // A click on it is none on what lies below.
    made.addEventListener("mousedown", (event) => event.preventDefault());
    return made;
  };
  const buttons = [
    act("PNG", "Save as PNG", async (figure) => save(await pngOf(figure), figure, "png")),
    act("SVG", "Save as SVG", (figure) => save(svgOf(figure), figure, "svg")),
    act("Copy", "Copy as image", (figure) => copy(figure, tell)),
  ];
  return (title) => {
    for (const one of buttons) one.setAttribute("aria-label", `${one.title}: ${title}`);
  };
}

function save(blob, { title }, ending) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${document.title} ${title}`
    .replace(/[^\p{L}\p{N}]+/gu, "_")
    .slice(0, 80)
    .concat(`.${ending}`);
  link.click();
  URL.revokeObjectURL(link.href);
}

// The clipboard is open to pages on this machine and over https alone.
async function copy(figure, tell) {
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": pngOf(figure) })]);
    tell(`Copied: ${figure.title}`);
  } catch {
    tell("This browser lets no image be copied here: save it.");
  }
}

function pngOf({ width, height, dots, draw }) {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  canvas.width = width * dots;
  canvas.height = height * dots;
  context.scale(dots, dots);
  drawOnWhite(context, width, height, draw);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

function svgOf({ width, height, draw }) {
  const context = new SvgContext(width, height);
  drawOnWhite(context, width, height, draw);
  return new Blob([context.text], { type: "image/svg+xml" });
}

// As it is printed.
function drawOnWhite(context, width, height, draw) {
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  draw(context);
}
