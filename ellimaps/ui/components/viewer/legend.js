// What the colors of a panel mean: below the map, and in the picture that is saved of it.

import { button, element, gradient, nice } from "../common.js";
import { DROPPED, NO_DATA, NO_VALUE } from "./painting.js";

// Colors beside those of values and clusters, as far as a panel has them: style sheet's class and text.
export function marksOf({ codes, labels, filled, doubtful }) {
  const isEmpty = (code, index) => code === NO_VALUE && !doubtful?.[index];
  const marks = codes
    ? [
        ["filled", "filled", filled?.some(Boolean)],
        ["hatched", "not trusted", doubtful?.some(Boolean)],
        ["empty", "no value", codes.some(isEmpty)],
      ]
    : [
        ["dropped", "dropped", labels.includes(DROPPED)],
        ["empty", "no data", labels.includes(NO_DATA)],
      ];
  return marks.filter(([, , isThere]) => isThere);
}

export function limitsOf({ limits, unit }) {
  return [nice(limits[0]), withUnit(nice(limits[1]), unit)];
}

export function withUnit(value, unit) {
  return unit === "°" ? `${value}°` : `${value} ${unit}`;
}

export function colormapOf(panel, data) {
  return panel.data.diverging ? data.diverging : data.colormap;
}

export function buildBar(panel, data) {
  const bar = element("div", "bar", panel.foot);
  const [low, high] = limitsOf(panel.data);
  element("span", "", bar, low);
  element("div", "ramp", bar).style.background = gradient("to right", colormapOf(panel, data));
  element("span", "", bar, high);
  addMarks(bar, panel);
}

// Only clusters that all panels share can be chosen.
export function buildLegend(panel, { highlight }, choose) {
  const { data, palette, names, foot } = panel;
  const legend = element("div", "legend", foot);
  palette.forEach((color, index) => {
    const choice = button(legend, "", `Choose cluster ${names[index]}`, () => choose(index));
    choice.disabled = Boolean(data.palette);
    choice.setAttribute("aria-pressed", !data.palette && index === highlight);
    element("span", "swatch", choice).style.background = color;
    choice.append(names[index]);
  });
  addMarks(legend, panel);
}

function addMarks(bar, panel) {
  for (const [className, text] of marksOf(panel)) {
    const made = element("span", "entry", bar);
    element("span", `patch ${className}`, made);
    made.append(text);
  }
}
