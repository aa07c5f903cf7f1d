// What is chosen for the channels: shown or not, color, contrast, and one gamma for all.

import { button, element } from "../common.js";

export class Controls {
  constructor(root, { onLook, onReset }) {
    Object.assign(this, { root, onLook, onReset, gamma: 1, looks: [] });
  }

  // What was chosen stays as long as the channels are the same.
  take(channels) {
    const names = channels.map((channel) => channel.name).join("\n");
    if (names === this.names) return;
    this.names = names;
    this.looks = channels.map(({ color }) => ({ on: true, color, low: 0, high: 100 }));
    this.root.replaceChildren();
    channels.forEach(({ name }, number) => this.buildChannel(name, this.looks[number]));
    this.buildGamma();
    button(this.root, "Reset view", "", this.onReset);
  }

  buildChannel(name, look) {
    const box = element("div", "channel", this.root);
    const label = element("label", "", box);
    const toggle = this.input(label, "checkbox", `Show ${name}`, (one) => (look.on = one.checked));
    toggle.checked = look.on;
    label.append(name);
    const color = this.input(box, "color", `Colour of ${name}`, (one) => (look.color = one.value));
    color.value = look.color;
    box.append("from");
    const dark = `Darkest value of ${name} (percent)`;
    const low = this.input(box, "range", dark, (one) => (look.low = Number(one.value)));
    Object.assign(low, { min: 0, max: 99, value: look.low });
    box.append("to");
    const bright = `Brightest value of ${name} (percent)`;
    const high = this.input(box, "range", bright, (one) => (look.high = Number(one.value)));
    Object.assign(high, { min: 1, max: 100, value: look.high });
  }

  buildGamma() {
    const box = element("label", "gamma", this.root, "Gamma");
    const slider = this.input(box, "range", "Gamma: below 1 lifts dark parts", (one) => {
      this.gamma = Number(one.value);
      shown.textContent = this.gamma.toFixed(2);
    });
    Object.assign(slider, { min: 0.3, max: 2, step: 0.05, value: this.gamma });
    const shown = element("span", "", box, this.gamma.toFixed(2));
  }

  input(parent, type, title, onInput) {
    const made = element("input", "", parent);
    Object.assign(made, { type, title });
    made.setAttribute("aria-label", title);
    made.addEventListener("input", () => {
      onInput(made);
      this.onLook();
    });
    return made;
  }
}
