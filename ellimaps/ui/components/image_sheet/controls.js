// What is chosen for the channels: shown or not, color, contrast, and one gamma for all.

import { element, nice } from "../common.js";

export class Controls {
  constructor(root, { onLook, onChosen }) {
    Object.assign(this, { root, onLook, onChosen, gamma: 1, looks: [] });
  }

  // What was chosen stays as long as the channels and their limits are the same.
  take(channels, chosen) {
    const names = channels.map(({ name, low, high }) => [name, low, high].join("\t")).join("\n");
    if (names === this.names) return;
    this.names = names;
    this.channels = channels;
    this.looks = chosen?.channels ?? channels.map(({ color }) => ({ on: true, color, low: 0, high: 100 }));
    this.gamma = chosen?.gamma ?? 1;
    this.root.replaceChildren();
    channels.forEach((channel, number) => this.buildChannel(channel, this.looks[number]));
    this.buildGamma();
  }

  // Ends are shown as values of the image: shares of them could not be told to anybody.
  buildChannel({ name, low, high }, look) {
    const box = element("div", "channel", this.root);
    const label = element("label", "", box);
    const toggle = this.input(label, "checkbox", `Show ${name}`, (one) => (look.on = one.checked));
    toggle.checked = look.on;
    label.append(name);
    const color = this.input(box, "color", `Color of ${name}`, (one) => (look.color = one.value));
    color.value = look.color;
    const valueAt = (percent) => nice(low + ((high - low) * percent) / 100);
    const end = (what, key, bounds) => {
      const slider = this.input(box, "range", `${what} value of ${name}`, (one) => {
        look[key] = Number(one.value);
        tell();
      });
      const shown = element("span", "value", box);
      const tell = () => {
        shown.textContent = valueAt(look[key]);
        slider.setAttribute("aria-valuetext", shown.textContent);
      };
      Object.assign(slider, { ...bounds, value: look[key] });
      tell();
    };
    box.append("black");
    end("Darkest", "low", { min: 0, max: 99 });
    box.append("white");
    end("Brightest", "high", { min: 1, max: 100 });
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
    // A slider says so when it is let go.
    made.addEventListener("change", () => this.onChosen({ channels: this.looks, gamma: this.gamma }));
    return made;
  }
}
