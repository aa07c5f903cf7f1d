// What the components share: elements, numbers as text, the wheel, keys, and how Streamlit mounts them.

export const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

// Streamlit calls a component anew with new data; what is shown stays and is updated until it is taken away.
export function mounted(create) {
  const shown = new WeakMap();
  return (component) => {
    const { parentElement } = component;
    if (!shown.has(parentElement)) shown.set(parentElement, create(parentElement));
    shown.get(parentElement).update(component);
    return () => {
      shown.get(parentElement)?.close();
      shown.delete(parentElement);
    };
  };
}

export function element(tag, className, parent, text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  parent?.append(made);
  return made;
}

export function button(parent, text, title, onClick) {
  const made = element("button", "", parent, text);
  Object.assign(made, { type: "button", title });
  made.addEventListener("click", onClick);
  return made;
}

// Of several buttons the one of this name is pressed.
export function press(buttons, name) {
  for (const [own, one] of Object.entries(buttons)) one.setAttribute("aria-pressed", own === name);
}

// Ctrl and the wheel zoom; the wheel alone scrolls the page.
export function onZoomWheel(canvas, zoom) {
  const onWheel = (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.25 : 0.8, event);
  };
  canvas.addEventListener("wheel", onWheel, { passive: false });
}

// Keys with a modifier are the browser's, and those another listener took are its own.
export function onKeys(root, actionOf) {
  root.addEventListener("keydown", (event) => {
    const taken = event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey;
    const action = taken ? null : actionOf(event.key, event);
    if (!action) return;
    action();
    event.preventDefault();
  });
}

// The way an arrow key points, in columns and rows; nothing for other keys.
export function arrowOf(key) {
  return { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
}

// Size a canvas in CSS pixels, sharp on every screen.
export function resize(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
}

// The cleared context of a canvas, in CSS pixels.
export function cleared(canvas) {
  const context = canvas.getContext("2d");
  const ratio = window.devicePixelRatio || 1;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  return context;
}

// Corners of a rectangle, from one to the one across.
export function rectangle([x0, y0], [x1, y1]) {
  return [
    [x0, y0],
    [x1, y0],
    [x1, y1],
    [x0, y1],
  ];
}

// Draw within a rectangle.
export function clipped(context, [x, y, width, height], draw) {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  draw();
  context.restore();
}

// Text that reads upwards, around a point.
export function uprightText(context, text, x, y) {
  context.save();
  context.translate(x, y);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(text, 0, 0);
  context.restore();
}

// An array of numbers from base64; Python sends little-endian.
export function decode(text, Type) {
  return new Type(Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer);
}

export function rgbOf(color) {
  return [1, 3, 5].map((start) => parseInt(color.slice(start, start + 2), 16));
}

export function gradient(direction, colormap) {
  const stops = colormap.filter((_, i) => i % 16 === 0 || i === colormap.length - 1);
  return `linear-gradient(${direction}, ${stops.map((color) => `rgb(${color})`).join(", ")})`;
}

// The largest of 1, 2, 5, 10, 20 ... that is not above a value.
export function roundDown(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [5, 2, 1].map((digit) => digit * power).find((candidate) => candidate <= value) ?? power;
}

// Round numbers between two others, about so many.
export function ticks(from, to, count, least = 0) {
  const step = Math.max(least, roundDown(((to - from) / Math.max(1, count)) * 1.99));
  const found = [];
  for (let n = Math.ceil(from / step); n * step <= to; n++) found.push(n * step);
  return found;
}

export function nice(value) {
  // Percentiles that are to be 0 are so up to rounding.
  if (Math.abs(value) < 1e-9) return "0";
  return Math.abs(value) >= 1000 ? value.toFixed(0) : Number(value.toPrecision(4)).toString();
}
