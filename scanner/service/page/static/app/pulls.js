// Pulls of one experiment: bars from zero with their widths after the fit, the Standard Model beside.

import { STILL, axisLook, layout, plotly } from "./plotting.js";
import { fill, h } from "./dom.js";
import { key } from "./key.js";
import { theme } from "./theme.js";

const ROW = 26; // pixels

/** Draw into the element. */
export async function drawPulls(element, spectrum, title) {
  const names = Object.keys(spectrum?.point.pulls ?? {});
  if (!names.length) {
    fill(element, h("p", { class: "hint" }, "This likelihood has no pulls."));
    return;
  }
  const Plotly = await plotly();
  const colours = theme();
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", `Pulls of ${title}: ${names.map((name) => `${name} ${spectrum.point.pulls[name].toFixed(2)}`).join(", ")}`);
  element.style.setProperty("height", `${ROW * names.length + 70}px`);
  const far = Math.max(2.4, ...[spectrum.point, spectrum.standard_model].flatMap((fit) => names.map((name) => Math.abs(fit.pulls[name]) + fit.postfit_widths[name])));
  const traces = [bars(spectrum.point, names, colours.lines[0]), signs(spectrum.standard_model, names, colours.lines[1])];
  element.before(key(traces));
  await Plotly.newPlot(element, traces, layout({
    margin: { l: 8, r: 10, t: 8, b: 40 }, font: { ...layout().font, size: 12 },
    xaxis: { ...axisLook({ title: "(fitted − prior) / width" }), range: [-1.08 * far, 1.08 * far], zeroline: true, zerolinecolor: colours.quiet },
    yaxis: { ...axisLook(), type: "category", autorange: "reversed", minor: {}, title: { text: "" }, ticks: "", automargin: true },
    shapes: [[2, 0], [1, 1]].map(([wide, n]) => ({ type: "rect", xref: "x", yref: "paper", x0: -wide, x1: wide, y0: 0, y1: 1, layer: "below", line: { width: 0 }, fillcolor: colours.bands[n] })),
  }), STILL);
}

const readable = (name) => name.replaceAll("_", " ");

const bars = (fit, names, colour) => ({
  type: "bar", orientation: "h", name: "this point", meta: { key: "this point" }, x: names.map((name) => fit.pulls[name]), y: names.map(readable), width: 0.5,
  marker: { color: colour }, error_x: { type: "data", array: names.map((name) => fit.postfit_widths[name]), color: theme().ink, thickness: 1, width: 3 },
});

const signs = (fit, names, colour) => ({
  type: "scatter", mode: "markers", name: "Standard Model", meta: { key: "Standard Model" }, x: names.map((name) => fit.pulls[name]), y: names.map(readable),
  marker: { symbol: "diamond", size: 8, color: colour, line: { color: theme().paper, width: 1 } },
});
