// A picture and the keys that answer it. Keys are dropped until it is painted and after one was pressed, and
// an answer carries the turn and the picture it was given for.

import { element, mounted } from "../common.js";

// Longer than any answer of a busy server; a press that was lost with the connection can be given again.
const PATIENCE_MS = 10_000;

export default mounted((parent) => new KeyedPicture(parent.querySelector(".keyed")));

class KeyedPicture {
  constructor(root) {
    this.root = root;
    root.replaceChildren();
    this.picture = element("img", "", root);
    this.onKey = (event) => this.press(event);
    document.addEventListener("keydown", this.onKey);
  }

  close() {
    document.removeEventListener("keydown", this.onKey);
    clearTimeout(this.waiting);
  }

  update(component) {
    const { data } = component;
    this.component = component;
    if (data.turn === this.data?.turn && data.title === this.data?.title) return;
    this.data = data;
    this.show(data);
  }

  async show(data) {
    this.listen(false);
    this.picture.alt = data.title;
    const address = `data:image/png;base64,${data.picture}`;
    if (this.picture.src !== address) {
      this.picture.src = address;
      // What cannot be drawn can still be passed by.
      await this.picture.decode().catch(() => null);
    }
    // The second frame begins when the first one was painted.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        if (data === this.data) this.listen(true);
      }),
    );
  }

  listen(listens) {
    clearTimeout(this.waiting);
    this.listens = listens;
    this.root.setAttribute("aria-busy", String(!listens));
  }

  press(event) {
    const answer = this.data?.keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!answer || isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (!this.listens || event.repeat) return;
    this.listen(false);
    this.waiting = setTimeout(() => this.listen(true), PATIENCE_MS);
    const { turn, title } = this.data;
    this.component.setTriggerValue("press", { turn, title, answer });
  }
}

// In a field, a list or an open panel keys mean something else.
function isTyping(event) {
  return event
    .composedPath()
    .some((one) => one.matches?.("input, textarea, select, [contenteditable=true], [role=radiogroup]"));
}
