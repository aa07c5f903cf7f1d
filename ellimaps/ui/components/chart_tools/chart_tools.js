// Every chart is saved as SVG and copied as a picture by two buttons beside Streamlit's own, which saves a PNG.

import { mounted } from "../common.js";

const NS = "http://www.w3.org/2000/svg";
const CHART = "[data-testid=stVegaLiteChart], [data-testid=stPlotlyChart]";
// What a chart is drawn of, from the bottom up: Vega-Lite's one layer, or Plotly's.
const LAYERS = "svg.marks, svg.main-svg";
// Sharp on paper, too.
const DOTS_PER_PIXEL = 3;
const ICONS = {
  save: "M14 2H6a2 2 0 0 0-2 2v16a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V8l-6-6zm4 18H6V4h7v5h5v11zm-6-8h-2v4H7l5 5 5-5h-3v-4z",
  copy: "M16 1H4a2 2 0 0 0-2 2v14h2V3h12V1zm3 4H8a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h11a2 2 0 0 0 2-2V7a2 2 0 0 0-2-2zm0 16H8V7h11v14zm-9-2h8l-2.6-3.5-2 2.5-1.4-1.7L10 19z",
};

export default mounted(() => new ChartTools());

class ChartTools {
  constructor() {
    this.observer = new MutationObserver(() => this.soon());
    this.observer.observe(document.body, { childList: true, subtree: true });
    this.equip();
  }

  update() {}

  close() {
    this.observer.disconnect();
  }

  // A chart being drawn changes the page a hundred times.
  soon() {
    this.asked ??= requestAnimationFrame(() => {
      this.asked = null;
      this.equip();
    });
  }

  equip() {
    for (const chart of document.querySelectorAll(CHART)) {
      const buttons = toolbarOf(chart);
      if (!buttons || buttons.querySelector(".chart-tool")) continue;
      addButton(buttons, "Download as SVG", ICONS.save, () => save(chart));
      addButton(buttons, "Copy as image", ICONS.copy, (button) => copy(chart, button));
    }
  }
}

// Streamlit's above a chart in Vega-Lite, or Plotly's own.
function toolbarOf(chart) {
  const frame = chart.closest("[data-testid=stFullScreenFrame]");
  return (
    frame?.querySelector("[data-testid=stElementToolbarButtonContainer]") ??
    chart.querySelector(".modebar-group")
  );
}

// Made of one that is there, whose classes hold its looks.
function addButton(buttons, label, icon, act) {
  const tool = buttons.firstElementChild.cloneNode(true);
  tool.classList.add("chart-tool");
  const button = tool.querySelector("button") ?? tool;
  call(button, label);
  const svg = button.querySelector("svg");
  const color = svg.querySelector("path")?.getAttribute("style") ?? "";
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.innerHTML = `<path d="${icon}" style="${color}"></path>`;
  button.addEventListener("click", () => act(button));
  buttons.append(tool);
}

function save(chart) {
  const link = document.createElement("a");
  link.href = addressOf(svgOf(chart));
  link.download =
    `${document.title} ${chart.querySelector("[aria-label]")?.getAttribute("aria-label") ?? "chart"}`
      .replace(/[^\p{L}\p{N}]+/gu, "_")
      .slice(0, 80)
      .concat(".svg");
  link.click();
  URL.revokeObjectURL(link.href);
}

// The clipboard is open to pages on this machine and over https alone.
async function copy(chart, button) {
  try {
    const png = picture(svgOf(chart));
    await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
    tell(button, "Copied");
  } catch {
    tell(button, "This browser lets no image be copied here: download it");
  }
}

function tell(button, text) {
  call(button, text);
  setTimeout(() => call(button, "Copy as image"), 3000);
}

// Plotly shows a text of its own in place of a title.
function call(button, label) {
  if (button.dataset.title) button.dataset.title = label;
  else button.title = label;
  button.setAttribute("aria-label", label);
}

async function picture(svg) {
  const image = new Image();
  image.src = addressOf(svg);
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = svg.getAttribute("width") * DOTS_PER_PIXEL;
  canvas.height = svg.getAttribute("height") * DOTS_PER_PIXEL;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

// One SVG of all layers, on the page's own background: a chart of a dark page has light letters.
function svgOf(chart) {
  const layers = [...chart.querySelectorAll(LAYERS)];
  const { width, height } = layers[0].getBoundingClientRect();
  const svg = svgElement("svg", { width, height, viewBox: `0 0 ${width} ${height}` });
  svg.append(
    svgElement("rect", {
      width,
      height,
      fill: getComputedStyle(document.querySelector(".stApp")).backgroundColor,
    }),
  );
  svg.append(...layers.map((layer) => layer.cloneNode(true)));
  return svg;
}

function svgElement(tag, attributes) {
  const element = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function addressOf(svg) {
  const text = new XMLSerializer().serializeToString(svg);
  return URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
}
