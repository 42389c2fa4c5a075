// Spectra of one experiment: data with errors over the stacked prediction, residuals below.

import { STILL, axisLook, layout, plotly } from "./plotting.js";
import { h } from "./dom.js";
import { key } from "./key.js";
import { flavour } from "./mathematics.js";
import { unitMarkup } from "./numbers.js";
import { theme } from "./theme.js";

/** One figure for each observable, into the element; all have their place before one is drawn. */
export async function drawSpectra(element, spectrum, title) {
  const Plotly = await plotly();
  const shown = (spectrum?.projections ?? []).map((one) => ({ one, place: h("div", { class: "figure spectrum", role: "img",
    "aria-label": `${title}, ${one.name}: ${one.data} in ${one.observed.length} bins with the fitted prediction, and residuals` }) }));
  element.append(...shown.map(({ one, place }) => h("figure", {}, h("figcaption", {}, `${title}: ${one.name.replaceAll("_", " ")}`), key(upper(one)), place)));
  for (const { one, place } of shown) await Plotly.newPlot(place, [...upper(one), ...lower(one)], frame(one), STILL);
}

function frame(one) {
  const name = one.name.charAt(0).toUpperCase() + one.name.slice(1).replaceAll("_", " ");
  const title = one.unit ? `${name} [${unitMarkup(one.unit)}]` : name;
  const ends = [one.edges[0], one.edges.at(-1)];
  const widths = bins(one).widths;
  const even = widths.every((width) => Math.abs(width - widths[0]) < 1e-6 * widths[0]);
  const counts = even ? (widths[0] === 1 || !one.unit ? "Counts" : `Counts / ${Number(widths[0].toPrecision(4))} ${unitMarkup(one.unit)}`) : `Counts / ${unitMarkup(one.unit) || "unit"}`;
  return layout({
    barmode: "stack", bargap: 0, font: { ...layout().font, size: 12 },
    margin: { l: 56, r: 10, t: 12, b: 44 },
    xaxis: { ...axisLook({ title }), range: ends, anchor: "y2", domain: [0, 1] },
    yaxis: { ...axisLook({ title: counts }), domain: [0.34, 1], rangemode: "tozero" },
    yaxis2: { ...axisLook({ title: "Residual [σ]" }), domain: [0, 0.27], zeroline: true, zerolinecolor: theme().quiet, anchor: "x" },
    shapes: [[2, 0], [1, 1]].map(([wide, n]) => ({ type: "rect", xref: "paper", x0: 0, x1: 1, yref: "y2", y0: -wide, y1: wide, layer: "below", line: { width: 0 }, fillcolor: theme().bands[n] })),
  });
}

function bins(one) {
  const widths = one.edges.slice(1).map((edge, n) => edge - one.edges[n]);
  const even = widths.every((width) => Math.abs(width - widths[0]) < 1e-6 * widths[0]);
  return { widths, middle: widths.map((width, n) => one.edges[n] + width / 2), scale: even ? widths.map(() => 1) : widths.map((width) => 1 / width) };
}

function upper(one) {
  const { widths, middle, scale } = bins(one);
  const times = (counts) => counts.map((count, n) => count * scale[n]);
  const colours = theme();
  const parts = [
    ...Object.entries(one.backgrounds).map(([name, counts], n) => [flavour(name), counts, colours.stack[n % colours.stack.length]]),
    ...Object.entries(one.signal).map(([name, counts], n) => [flavour(name), counts, `${colours.lines[n % colours.lines.length]}bb`]),
  ];
  const stacked = parts.map(([name, counts, colour]) => ({ type: "bar", name, meta: { key: name }, x: middle, y: times(counts), width: widths, marker: { color: colour, line: { width: 0 } } }));
  const usual = one.standard_model && stairs(one, times(one.standard_model), colours.ink, "Standard Model");
  const data = {
    type: "scatter", mode: "markers", name: one.data, meta: { key: one.data }, x: middle, y: times(one.observed), marker: { color: colours.ink, size: 5 },
    error_y: { type: "data", symmetric: false, array: times(one.errors[1]), arrayminus: times(one.errors[0]), color: colours.ink, thickness: 1, width: 0 },
  };
  return [...stacked, usual, data].filter(Boolean);
}

function stairs(one, heights, colour, name) {
  const x = one.edges.flatMap((edge) => [edge, edge]).slice(1, -1);
  const y = heights.flatMap((height) => [height, height]);
  return { type: "scatter", mode: "lines", name, meta: { key: name }, x, y, line: { color: colour, width: 1.4, dash: "4px,2px" } };
}

function lower(one) {
  const { middle } = bins(one);
  const colours = theme();
  const usual = one.residuals_standard_model && {
    type: "scatter", mode: "markers", name: "Standard Model", yaxis: "y2", x: middle, y: one.residuals_standard_model,
    marker: { symbol: "diamond-open", size: 6, color: colours.quiet },
  };
  return [usual, {
    type: "scatter", mode: "markers", name: "this point", yaxis: "y2", x: middle, y: one.residuals,
    marker: { color: colours.lines[0], size: 6 },
  }].filter(Boolean);
}
