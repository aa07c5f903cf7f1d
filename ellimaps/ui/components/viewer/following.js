// Maps follow a slider of the page while it is dragged; of itself the slider tells the server when it is let go.

// After this a question is lost, and asked again.
const PENDING_MS = 2000;

export class Following {
  constructor(ask) {
    this.ask = ask;
    this.from = null;
    this.observer = new MutationObserver(() => this.onMove());
    this.listeners = { pointerdown: () => this.press(), pointerup: () => this.release() };
    for (const [event, act] of Object.entries(this.listeners)) window.addEventListener(event, act, true);
  }

  close() {
    this.observer.disconnect();
    for (const [event, act] of Object.entries(this.listeners)) window.removeEventListener(event, act, true);
  }

  // The server has answered with the maps of a position.
  answered(label, position) {
    this.label = label;
    this.find();
    if (this.asked?.position !== position) return;
    this.asked = null;
    this.onMove();
  }

  // The slider may come to the page after the maps.
  find() {
    const { label } = this;
    const slider = label && document.querySelector(`input[type=range][aria-label="${CSS.escape(label)}"]`);
    if (slider === this.slider) return;
    this.slider = slider;
    this.observer.disconnect();
    if (slider) this.observer.observe(slider, { attributeFilter: ["aria-valuetext"] });
  }

  press() {
    this.find();
    this.from = this.slider ? Number(this.slider.value) : null;
    this.last = this.from;
  }

  release() {
    this.from = null;
    this.asked = null;
  }

  // One question at a time; what the slider passed meanwhile is left out.
  onMove() {
    if (!this.slider || this.from === null || this.asked) return;
    const position = Number(this.slider.value);
    if (position === this.last) return;
    const asked = { position };
    this.last = position;
    this.asked = asked;
    setTimeout(() => this.askAgain(asked), PENDING_MS);
    this.ask({ position, from: this.from });
  }

  askAgain(asked) {
    if (this.asked !== asked) return;
    this.asked = this.last = null;
    this.onMove();
  }
}
