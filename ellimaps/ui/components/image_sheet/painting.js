// An image with its scale bar, on the screen or in a file.

import { nice, roundDown } from "../common.js";

const BAR = { edge: 6, height: 26, pad: 6 };

// Draw what a view shows of an image at [x, y], as wide as given.
export function drawImage(context, { mixed, width, height, widthPx, pixelUm }, view, [x, y, across]) {
  const down = (across * height) / width;
  // Enlarged pixels are shown as they were measured.
  context.imageSmoothingEnabled = across <= width * view.scale;
  const seen = [view.x * width, view.y * width, width / view.scale, height / view.scale];
  context.drawImage(mixed, ...seen, x, y, across, down);
  drawScaleBar(context, [x, y + down], across, (widthPx / (across * view.scale)) * (pixelUm ?? 1), pixelUm);
}

// About a quarter of the width, a round length in micrometers; in pixels of the file where it has no size.
function drawScaleBar(context, [left, bottom], across, perPoint, pixelUm) {
  const length = roundDown(perPoint * across * 0.25);
  const text = `${nice(length)} ${pixelUm ? "µm" : "px"}`;
  Object.assign(context, { font: "12px sans-serif", textAlign: "left", textBaseline: "alphabetic" });
  const points = length / perPoint;
  const box = Math.max(points, context.measureText(text).width) + 2 * BAR.pad;
  context.fillStyle = "rgba(0, 0, 0, 0.6)";
  context.fillRect(left + BAR.edge, bottom - BAR.edge - BAR.height, box, BAR.height);
  context.fillStyle = "#fff";
  context.fillRect(left + BAR.edge + BAR.pad, bottom - 13, points, 3);
  context.fillText(text, left + BAR.edge + BAR.pad, bottom - 17);
}
