// The card beside the pointer: what a point is, and its picture where there is one.

import { element } from "../common.js";

// Smaller pictures are enlarged: a cell is not seen on 64 pixels.
const LEAST_PX = 128;

export class Card {
  constructor(parent) {
    this.root = element("div", "card", parent);
    this.hide();
  }

  hide() {
    this.root.hidden = true;
  }

  // Beside a point of the canvas, on the side with more room.
  show(canvas, [x, y], title, picture) {
    const { root } = this;
    root.hidden = false;
    root.replaceChildren();
    if (picture) root.append(picture);
    root.append(title);
    const box = canvas.getBoundingClientRect();
    const own = root.parentElement.getBoundingClientRect();
    const left = beside(x, root.offsetWidth, box.width);
    const top = beside(y, root.offsetHeight, box.height);
    root.style.left = `${box.left - own.left + left}px`;
    root.style.top = `${box.top - own.top + top}px`;
  }
}

// A point's picture, cut out of its sheet; null where there is none.
export function thumbnail(thumbnails, index) {
  const sheets = window.ellimapsThumbnails?.get(thumbnails?.key);
  if (!sheets) return null;
  const { tile, columns } = thumbnails;
  const within = index % (columns * columns);
  const corner = [(within % columns) * tile, Math.floor(within / columns) * tile];
  const sheet = sheets[Math.floor(index / (columns * columns))];
  const edge = Math.max(tile, LEAST_PX);
  const shown = Object.assign(element("canvas"), { width: edge, height: edge });
  if (sheet?.complete) shown.getContext("2d").drawImage(sheet, ...corner, tile, tile, 0, 0, edge, edge);
  return shown;
}

function beside(at, size, room) {
  return at + 14 + size < room ? at + 14 : Math.max(0, at - 14 - size);
}
