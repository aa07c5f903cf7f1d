// Pictures side by side: channels are mixed here, so switching, colours, contrast and gamma answer at once.
// What was chosen stays when other pictures of the same channels are shown.

const instances = new WeakMap();

export default function (component) {
  const { parentElement, data } = component;
  let pair = instances.get(parentElement);
  if (!pair) {
    pair = new Pair(parentElement.querySelector(".pair"));
    instances.set(parentElement, pair);
  }
  pair.update(data);
  return () => {
    pair.close();
    instances.delete(parentElement);
  };
}

class Pair {
  constructor(root) {
    this.root = root;
    root.replaceChildren();
    this.controls = element("div", "controls", root);
    this.grid = element("div", "pictures", root);
    element("div", "hint", root).textContent =
      "Drag moves and Ctrl + wheel zooms all pictures together, a double click shows the whole.";
    this.gamma = 1;
    this.view = { x: 0, y: 0, scale: 1 };
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(root);
  }

  close() {
    this.observer.disconnect();
    this.root.replaceChildren();
  }

  async update(data) {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const names = data.channels.map((channel) => channel.name).join("\n");
    if (names !== this.names) {
      this.names = names;
      this.looks = data.channels.map(({ color }) => ({ on: true, color, low: 0, high: 100 }));
      this.buildControls(data.channels);
    }
    const pictures = await Promise.all(data.pictures.map(loaded));
    if (turn !== this.turn) return;
    this.pictures = pictures;
    this.grid.replaceChildren();
    for (const picture of this.pictures) this.buildPicture(picture);
    this.mix();
  }

  buildControls(channels) {
    this.controls.replaceChildren();
    channels.forEach((channel, number) => {
      const look = this.looks[number];
      const box = element("div", "channel", this.controls);
      const label = element("label", "", box);
      const toggle = input(label, "checkbox", `Show ${channel.name}`, (one) => (look.on = one.checked), this);
      toggle.checked = look.on;
      label.append(channel.name);
      input(box, "color", `Colour of ${channel.name}`, (one) => (look.color = one.value), this).value = look.color;
      const low = input(box, "range", `Darkest value of ${channel.name} (percent)`, (one) => (look.low = +one.value), this);
      low.before("from");
      const high = input(box, "range", `Brightest value of ${channel.name} (percent)`, (one) => (look.high = +one.value), this);
      high.before("to");
      Object.assign(low, { min: 0, max: 99, value: look.low });
      Object.assign(high, { min: 1, max: 100, value: look.high });
    });
    const box = element("label", "gamma", this.controls);
    box.append("Gamma");
    const shown = document.createElement("span");
    const gamma = input(box, "range", "Gamma: below 1 lifts dark parts", (one) => {
      this.gamma = +one.value;
      shown.textContent = this.gamma.toFixed(2);
    }, this);
    Object.assign(gamma, { min: 0.3, max: 2, step: 0.05, value: this.gamma });
    shown.textContent = this.gamma.toFixed(2);
    box.append(shown);
    const reset = element("button", "", this.controls);
    Object.assign(reset, { type: "button", textContent: "Reset view", onclick: () => this.resetView() });
  }

  buildPicture(picture) {
    const box = element("div", "picture", this.grid);
    element("div", "title", box).textContent = picture.title;
    box.firstChild.title = picture.title;
    picture.canvas = element("canvas", "", box);
    picture.canvas.setAttribute("role", "img");
    picture.canvas.setAttribute("aria-label", picture.title);
    const { canvas } = picture;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.drag = { x: event.clientX, y: event.clientY, view: { ...this.view }, width: canvas.clientWidth };
    });
    canvas.addEventListener("pointermove", (event) => this.onMove(event));
    canvas.addEventListener("pointerup", () => (this.drag = null));
    canvas.addEventListener("dblclick", () => this.resetView());
    canvas.addEventListener("wheel", (event) => this.onWheel(canvas, event), { passive: false });
  }

  // Position and size of the view are shares of the picture, so pictures of different sizes stay linked.
  onMove(event) {
    if (!this.drag) return;
    const { view, width } = this.drag;
    const share = 1 / (width * view.scale);
    this.setView({
      scale: view.scale,
      x: view.x - (event.clientX - this.drag.x) * share,
      y: view.y - (event.clientY - this.drag.y) * share,
    });
  }

  onWheel(canvas, event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    const at = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.width];
    const { x, y, scale } = this.view;
    const next = Math.min(40, Math.max(1, scale * (event.deltaY < 0 ? 1.25 : 0.8)));
    this.setView({ scale: next, x: x + at[0] / scale - at[0] / next, y: y + at[1] / scale - at[1] / next });
  }

  setView({ x, y, scale }) {
    const room = 1 - 1 / scale;
    this.view = { scale, x: Math.max(0, Math.min(room, x)), y: Math.max(0, Math.min(room, y)) };
    this.draw();
  }

  resetView() {
    this.setView({ x: 0, y: 0, scale: 1 });
  }

  mix() {
    if (!this.pictures) return;
    const tables = this.looks.map((look) => table(look, this.gamma));
    for (const picture of this.pictures) picture.mixed = mixed(picture, tables);
    this.draw();
  }

  draw() {
    for (const { canvas, mixed, width, height } of this.pictures ?? []) {
      if (!mixed) continue;
      const ratio = window.devicePixelRatio || 1;
      canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
      canvas.height = Math.max(1, Math.round((canvas.width * height) / width));
      const context = canvas.getContext("2d");
      // Enlarged pixels are shown as they were measured.
      context.imageSmoothingEnabled = canvas.width > width * this.view.scale ? false : true;
      const scale = (canvas.width / width) * this.view.scale;
      context.setTransform(scale, 0, 0, scale, -this.view.x * width * scale, -this.view.y * width * scale);
      context.drawImage(mixed, 0, 0);
    }
  }
}

async function loaded(picture) {
  const images = await Promise.all(
    picture.channels.map(async (text) => {
      const image = Object.assign(new Image(), { src: `data:image/png;base64,${text}` });
      await image.decode();
      return image;
    })
  );
  const { width, height } = images[0];
  return { title: picture.title, width, height, channels: images.map((image) => bytes(image, width, height)) };
}

function bytes(image, width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, width, height).data;
  return Uint8Array.from({ length: width * height }, (_, i) => pixels[4 * i]);
}

// What each of the 256 values of a channel adds to red, green and blue.
function table(look, gamma) {
  if (!look.on) return null;
  const color = [1, 3, 5].map((start) => parseInt(look.color.slice(start, start + 2), 16));
  const [low, high] = [look.low * 2.55, Math.max(look.high, look.low + 1) * 2.55];
  const shares = Float32Array.from({ length: 256 }, (_, value) => {
    return Math.max(0, Math.min(1, (value - low) / (high - low))) ** gamma;
  });
  return color.map((part) => shares.map((share) => share * part));
}

function mixed({ width, height, channels }, tables) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const sum = new Float32Array(width * height);
  for (let part = 0; part < 3; part++) {
    sum.fill(0);
    channels.forEach((values, number) => {
      const own = tables[number]?.[part];
      if (own) for (let i = 0; i < sum.length; i++) sum[i] += own[values[i]];
    });
    for (let i = 0; i < sum.length; i++) image.data[4 * i + part] = sum[i];
  }
  for (let i = 3; i < image.data.length; i += 4) image.data[i] = 255;
  context.putImageData(image, 0, 0);
  return canvas;
}

function element(tag, className, parent) {
  const made = document.createElement(tag);
  made.className = className;
  parent?.append(made);
  return made;
}

function input(parent, type, title, onInput, pair) {
  const made = element("input", "", parent);
  Object.assign(made, { type, title });
  made.setAttribute("aria-label", title);
  made.addEventListener("input", () => {
    onInput(made);
    pair.mix();
  });
  return made;
}
