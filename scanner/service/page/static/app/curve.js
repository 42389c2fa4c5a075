// Delta chi2 of one parameter, with the levels that it crosses and the intervals they leave.

import { CONFIG, axisLook, layout, plotly } from "./plotting.js";
import { fill, h } from "./dom.js";
import { number, percent, unitText } from "./numbers.js";
import { short } from "./labels.js";
import { look, theme } from "./theme.js";

const ABOVE = 1.5; // of the highest level, to the top of the frame

/** Draw into the element. */
export async function drawCurve(element, scan, choices, found) {
  const Plotly = await plotly();
  const axis = found.lines[0]?.surface.axes[0] ?? emptyAxis(scan, choices.x);
  const levels = levelsOf(found);
  const top = ABOVE * Math.max(4, ...levels.map((one) => one.delta));
  const traces = found.lines.map((line) => ({
    type: "scatter", mode: "lines", x: line.surface.axes[0].coordinates, y: line.surface.delta_chi2,
    line: { ...look(line), simplify: false }, connectgaps: false, hoverinfo: "skip", name: line.title,
  }));
  await Plotly.react(element, traces, layout({
    xaxis: axisLook(axis),
    yaxis: { ...axisLook({ title: "Δ<i>χ</i><sup>2</sup>" }), range: [Math.min(0, lowest(found)), top] },
    shapes: [...levels.map(levelLine), ...bands(found), ...pin(choices)],
    annotations: [...levels.map(levelName), ...names(found, axis, top)],
    uirevision: choices.x,
  }), CONFIG);
}

// the point that is explained
function pin({ x, at }) {
  if (at?.[x] === undefined) return [];
  return [{ type: "line", yref: "paper", x0: at[x], x1: at[x], y0: 0, y1: 1, line: { color: theme().ink, width: 1.4, dash: "2px,2px" } }];
}

function emptyAxis(scan, name) {
  const axis = scan.axes.find((one) => one.name === name);
  return { ...axis, coordinates: [axis.start, axis.stop] };
}

const lowest = (found) => Math.min(0, ...found.lines.map((line) => Math.min(...line.surface.delta_chi2.filter((one) => one !== null))));

function levelsOf(found) {
  const intervals = (found.lines.at(-1)?.intervals ?? []).filter((one) => !one.refused);
  return intervals.map((one) => ({ cl: one.cl, delta: one.delta_chi2 }));
}

const levelLine = (level) => ({
  type: "line", xref: "paper", x0: 0, x1: 1, y0: level.delta, y1: level.delta,
  line: { color: theme().quiet, width: 1, dash: "4px,3px" },
});

const levelName = (level) => ({
  xref: "paper", x: 1, y: level.delta, text: percent(level.cl), showarrow: false, xanchor: "right", yanchor: "bottom",
  font: { size: 11, color: theme().quiet },
});

// the intervals of the line that is drawn last, the narrowest level darkest
function bands(found) {
  const intervals = (found.lines.at(-1)?.intervals ?? []).filter((one) => !one.refused).slice(0, 2);
  return intervals.flatMap((one, n) => one.intervals.map(([low, high]) => ({
    type: "rect", yref: "paper", x0: low, x1: high, y0: 0, y1: 1, layer: "below", line: { width: 0 },
    fillcolor: theme().bands[intervals.length - 1 - n ? 1 : 0],
  })));
}

// a name beside each curve, every one at a height of its own and on another flank than the one before
function names(found, axis, top) {
  const free = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.95, 0.05];
  const last = found.lines.length - 1;
  return found.lines.map((line, number) => {
    const right = (last - number) % 2 === 0;
    const place = free.map((height) => crossing(line.surface, height * top, right)).find((one) => one !== null);
    if (!place) return null;
    free.splice(free.findIndex((height) => height * top === place.y), 1);
    const x = axis.logarithmic ? Math.log10(place.x) : place.x;
    return { x, y: place.y, text: short(line.title), showarrow: false, xanchor: place.side, yanchor: "middle", xshift: place.side === "left" ? 6 : -6,
      font: { size: 12, color: look(line).color }, bgcolor: `${theme().paper}cc`, captureevents: false };
  }).filter(Boolean);
}

// where a curve goes through a height, first from the left or from the right, and where a name has room
function crossing(surface, height, right) {
  const { coordinates } = surface.axes[0];
  const count = coordinates.length;
  for (let step = 1; step < count; step += 1) {
    const n = right ? count - step : step;
    const [before, after] = [surface.delta_chi2[n - 1], surface.delta_chi2[n]];
    if (before === null || after === null || (before - height) * (after - height) > 0) continue;
    const part = (height - before) / (after - before || 1);
    const x = coordinates[n - 1] + part * (coordinates[n] - coordinates[n - 1]);
    const outwards = before > after ? "right" : "left"; // anchor: the name is on the other side
    return { x, y: height, side: n < 0.2 * count ? "left" : n > 0.8 * count ? "right" : outwards };
  }
  return null;
}

/** Table of the allowed intervals. */
export function intervalTable(element, scan, choices, found) {
  const axis = scan.axes.find((one) => one.name === choices.x);
  if (!choices.levels.length) return fill(element);
  return fill(element, h("div", { class: "scroll" }, h("table", { class: "numbers" },
    h("caption", {}, `Allowed intervals${axis.unit ? ` in ${unitText(axis.unit)}` : ""}`),
    h("thead", {}, h("tr", {}, h("td"), h("th", { scope: "col" }, "best"),
      choices.levels.map((cl) => h("th", { scope: "col" }, percent(cl))))),
    h("tbody", {}, found.lines.map((line) => h("tr", {},
      h("th", { scope: "row" }, line.title),
      h("td", {}, number(line.intervals.find((one) => !one.refused)?.best)),
      line.intervals.map((one) => h("td", {}, one.refused ?? shown(one, axis)))))))));
}

function shown(interval, axis) {
  if (!interval.intervals.length) return "none";
  return interval.intervals.map(([low, high]) => `${end(low, axis.start, "<")}${number(low)} to ${end(high, axis.stop, ">")}${number(high)}`).join(" or ");
}

// an end at the end of the axis is none of the parameter's own
const end = (value, limit, sign) => (Math.abs(value - limit) <= 1e-9 * Math.abs(limit) ? `${sign}\u2009` : "");
