// plotly, fetched when the first figure is drawn, and what all figures share.

import { markup } from "./mathematics.js";
import { unitMarkup } from "./numbers.js";
import { narrow, theme } from "./theme.js";

let loading = null;

/** The library; one script of this service, once. */
export function plotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("../vendor/plotly-cartesian-4.1.1.min.js", import.meta.url);
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      loading = null;
      reject(new Error("The library that draws the figures cannot be loaded: load the page anew."));
    };
    document.head.append(script);
  });
  return loading;
}

const FONT = 'ui-serif, Charter, "Bitstream Charter", "STIX Two Text", "Source Serif 4", Georgia, serif';

/** Axis title: symbol and unit. */
export function axisTitle(axis) {
  const symbol = axis.latex ? markup(axis.latex) : axis.name;
  return axis.unit ? `${symbol} [${unitMarkup(axis.unit)}]` : symbol;
}

/** An axis in a frame with ticks inside. */
export function axisLook(axis = {}) {
  const colours = theme();
  const log = Boolean(axis.logarithmic);
  return {
    type: log ? "log" : "linear",
    ...(axis.coordinates ? { range: range(axis) } : {}),
    title: { text: axis.title ?? (axis.name ? axisTitle(axis) : ""), standoff: 8 },
    exponentformat: "power", showexponent: "all", minexponent: 4,
    ...(log ? { dtick: wide(axis) ? 1 : undefined, tickformat: wide(axis) ? undefined : "~g" } : {}),
    ticks: "inside", ticklen: 6, tickcolor: colours.quiet, minor: { ticks: "inside", ticklen: 3, tickcolor: colours.quiet },
    mirror: "allticks", showline: true, linecolor: colours.quiet, linewidth: 1,
    showgrid: false, zeroline: false, color: colours.ink, fixedrange: false, automargin: true,
  };
}

const decades = (axis) => Math.log10(axis.coordinates.at(-1) / axis.coordinates[0]);
const wide = (axis) => axis.coordinates && decades(axis) >= 1.5 && decades(axis) <= 9;

/** Ends of an axis, as plotly counts them. */
export function range(axis) {
  const ends = [axis.coordinates[0], axis.coordinates.at(-1)];
  return axis.logarithmic ? ends.map(Math.log10) : ends;
}

/** Layout that all figures share. */
export function layout(more = {}) {
  const colours = theme();
  return {
    paper_bgcolor: colours.paper, plot_bgcolor: colours.paper,
    font: { family: FONT, size: narrow() ? 12 : 14, color: colours.ink },
    margin: narrow() ? { l: 48, r: 12, t: 34, b: 44 } : { l: 64, r: 20, t: 38, b: 56 },
    showlegend: false, hovermode: false, autosize: true, dragmode: coarse() ? false : "zoom",
    modebar: { bgcolor: "rgba(0,0,0,0)", color: colours.quiet, activecolor: colours.ink, orientation: "h" },
    ...more,
  };
}

/** Whether the reader points with a finger: dragging then moves the page, not the figure. */
export const coarse = () => window.matchMedia("(pointer: coarse)").matches;

/** What the figure offers: zoom, no links to elsewhere. */
export const CONFIG = {
  displaylogo: false, responsive: true, displayModeBar: true, showTips: false, doubleClick: "reset",
  typesetMath: false, plotlyServerURL: "", showSendToCloud: false, showEditInChartStudio: false,
  modeBarButtonsToRemove: ["toImage", "select2d", "lasso2d", "autoScale2d", "toggleSpikelines", "hoverClosestCartesian", "hoverCompareCartesian", "sendDataToCloud"],
};

/** The same for a figure that only shows. */
export const STILL = { ...CONFIG, displayModeBar: false, staticPlot: true };
