// What the colours and signs of a small figure mean, above it.

import { h } from "./dom.js";
import { sentence } from "./mathematics.js";

const SIGNS = { bar: "box", lines: "stroke", markers: "round" };

/** A list for the traces of plotly that have a name to tell; `meta.key` is what they are called. */
export function key(traces) {
  return h("ul", { class: "key" }, traces.filter((trace) => trace.meta?.key).map((trace) => h("li", {},
    h("span", { class: `sign ${trace.marker?.symbol ?? SIGNS[trace.type === "bar" ? "bar" : trace.mode]}`, colour: trace.marker?.color ?? trace.line.color }),
    sentence(trace.meta.key))));
}
