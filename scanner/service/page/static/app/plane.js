// The exclusion plot: contours of the service over the shaded surface, published limits beneath.

import { CONFIG, axisLook, layout, plotly } from "./plotting.js";
import { labelled, short } from "./labels.js";
import { sentenceMarkup } from "./mathematics.js";
import { percent } from "./numbers.js";
import { turned } from "./surface.js";
import { look, published, theme } from "./theme.js";

/** Draw into the element; the axes of the surface, x first. */
export async function drawPlane(element, scan, choices, found) {
  const Plotly = await plotly();
  const axes = found.lines[0]?.surface.axes ?? [choices.x, choices.y].map((name) => emptyAxis(scan, name));
  const overlays = found.overlays.filter((one) => choices.overlays.has(one.name));
  const drawn = contourTraces(found, choices);
  const beneath = overlays.flatMap((one, number) => regions(one, number, axes));
  const traces = [...gaps(found), ...beneath, ...shading(found, choices), ...drawn, ...marks(found.marks, choices), ...pin(choices)];
  const labels = labelled([...labelOf(drawn), ...labelOf(beneath)], axes, element.clientWidth, named(found.marks, choices));
  await Plotly.react(element, traces, layout({
    xaxis: { ...axisLook(axes[0]), constrain: "range" },
    yaxis: axisLook(axes[1]),
    annotations: labels,
    uirevision: `${choices.x} ${choices.y}`,
  }), CONFIG);
}

function emptyAxis(scan, name) {
  const axis = scan.axes.find((one) => one.name === name);
  return { ...axis, coordinates: [axis.start, axis.stop] };
}

const named = (found, choices) => marked(found, choices).map(([at, label]) => ({ at, label, colour: theme().ink }));

/** Whether a surface has points without a value. */
export const hasGaps = (surface) => surface.delta_chi2.some((column) => column.includes(null));

// what is not computed looks neither allowed nor excluded
function gaps(found) {
  const line = found.lines.at(-1);
  if (!line || !hasGaps(line.surface)) return [];
  const { axes, delta_chi2: delta } = line.surface;
  const colour = theme().missing;
  return [{
    type: "heatmap", x: axes[0].coordinates, y: axes[1].coordinates, z: turned(delta).map((row) => row.map((one) => (one === null ? 1 : null))),
    colorscale: [[0, colour], [1, colour]], showscale: false, hoverinfo: "skip", name: "not computed", zsmooth: false,
  }];
}

// the last line that is drawn is shaded: that of the combination where it is shown
function shading(found, choices) {
  const line = found.lines.at(-1);
  if (!line || !line.contours.length) return [];
  const { axes, delta_chi2: delta } = line.surface;
  return line.contours.slice(0, 2).map((contour, number) => ({
    type: "contour", x: axes[0].coordinates, y: axes[1].coordinates, z: turned(delta),
    contours: { type: "constraint", operation: "<", value: contour.delta_chi2, showlines: false },
    line: { width: 0 }, fillcolor: theme().excluded[number ? 1 : choices.levels.length > 1 ? 1 : 0],
    connectgaps: false, showlegend: false, hoverinfo: "skip", name: `excluded at ${percent(contour.cl)}`,
  }));
}

function contourTraces(found, choices) {
  return found.lines.flatMap((line) => line.contours.map((contour, number) => {
    const closed = contour.lines.map((one) => (one.closed ? [...one.vertices, one.vertices[0]] : one.vertices));
    const joined = closed.flatMap((vertices) => [...vertices, [null, null]]);
    const label = `${line.title}, ${percent(contour.cl)}`;
    return {
      type: "scatter", mode: "lines", x: joined.map((at) => at[0]), y: joined.map((at) => at[1]),
      line: { ...look(line, number, choices.levels.length), simplify: false }, hoverinfo: "skip", name: label,
      meta: number ? null : { label: short(line.title), pieces: closed, colour: look(line).color },
    };
  }));
}

// a region above a line is closed beyond the frame
function regions(overlay, number, axes) {
  const colours = published(overlay, number);
  const top = axes[1].coordinates.at(-1);
  const beyond = axes[1].logarithmic ? 1e3 * top : top + 10 * Math.abs(top - axes[1].coordinates[0]);
  return overlay.regions.map((region, piece) => {
    const line = region.vertices;
    const ring = region.above ? [...line, [line.at(-1)[0], beyond], [line[0][0], beyond], line[0]] : [...line, line[0]];
    return {
      type: "scatter", mode: "lines", fill: "toself", x: ring.map((at) => at[0]), y: ring.map((at) => at[1]),
      line: { color: colours.edge, width: 1 }, fillcolor: colours.face,
      fillpattern: colours.hatch ? { shape: colours.hatch, fgcolor: `${colours.edge}66`, bgcolor: colours.face, size: 9, solidity: 0.08 } : undefined,
      hoverinfo: "skip", name: overlay.label,
      meta: piece ? null : { label: sentenceMarkup(overlay.label), pieces: [line], colour: colours.edge },
    };
  });
}

const labelOf = (traces) => traces.map((trace) => trace.meta).filter(Boolean);

function marked(found, choices) {
  const best = choices.reference === "raster" ? null : found.best_fit;
  return [[best, "best fit", "cross", "#E69F00"], [found.standard_model, "SM", "circle", theme().paper]].filter(([at]) => at?.length === 2);
}

function marks(found, choices) {
  return marked(found, choices).map(([at, name, symbol, colour]) => ({
    type: "scatter", mode: "markers", x: [at[0]], y: [at[1]], cliponaxis: false, hoverinfo: "skip", name,
    marker: { symbol, size: 10, color: colour, line: { color: theme().ink, width: 1.2 } },
  }));
}

// the point that is explained
function pin({ x, y, at }) {
  if (!at || at[x] === undefined || at[y] === undefined) return [];
  return [{ type: "scatter", mode: "markers", x: [at[x]], y: [at[y]], cliponaxis: false, hoverinfo: "skip", name: "chosen point",
    marker: { symbol: "circle-cross-open", size: 13, color: theme().ink, line: { color: theme().ink, width: 1.6 } } }];
}

/** What the figure is called, for those who do not see it. */
export function described(scan, choices, found) {
  const names = found.lines.map((line) => line.title).join(", ");
  return `Exclusion plot of ${choices.x} and ${choices.y}: ${choices.levels.map(percent).join(", ")} confidence, lines of ${names || "nobody"}.`;
}

