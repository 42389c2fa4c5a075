// A point explained: who excludes it, counts, pulls, and the spectra behind them.

import { calledOff, get } from "./api.js";
import { dofOf } from "./choices.js";
import { fill, h, problem, waiting } from "./dom.js";
import { flavour, formula, sentence } from "./mathematics.js";
import { deviations, fixed, number, quantity } from "./numbers.js";
import { drawPulls } from "./pulls.js";
import { drawSpectra } from "./spectra.js";

/** Explain the chosen point below the figure. */
export async function explain(element, state, signal) {
  const { scan, choices } = state;
  if (!choices.at) {
    fill(element, h("p", { class: "hint" }, "Choose a point of the figure, with a click or with the arrow keys and Enter: what the experiments say to it is told here."));
    return;
  }
  const at = Object.entries({ ...choices.held, ...choices.at }).map(([name, value]) => `${name}=${value}`);
  const partial = scan.phase === "complete" ? null : true;
  fill(element, heading(scan, choices), waiting("Evaluating the likelihood at this point."));
  try {
    const [answer, told] = await Promise.all([
      get(`scans/${scan.id}/query`, { at, dof: dofOf(choices), reference: choices.reference, partial }, signal),
      get(`scans/${scan.id}/explain`, { at, partial }, signal),
    ]);
    const panels = Object.entries(told.experiments).map(([name, one]) => experiment(scan, name, one, told.spectra[name]));
    fill(element, heading(scan, choices, answer), verdicts(scan, answer), notes(told), panels.map((panel) => panel.element));
    for (const panel of panels) await panel.draw(signal);
  } catch (error) {
    if (calledOff(error)) return;
    fill(element, heading(scan, choices), problem(error, () => explain(element, state, signal)));
  }
}

function heading(scan, choices, answer = null) {
  const shown = { ...choices.at, ...choices.held };
  const found = answer?.combined?.profiled ?? {};
  const values = scan.axes.map((axis, n) => {
    const value = shown[axis.name] ?? found[axis.name];
    return value === undefined ? null : [n ? ", " : "", axis.latex ? formula(axis.latex) : axis.name, " = ", quantity(value, axis.unit),
      axis.name in shown ? "" : " (profiled)"];
  });
  return h("h2", { id: "point" }, "The point ", values);
}

const LEVELS = ["68.27 %", "90 %", "95.45 %", "99.73 %"];

function verdicts(scan, answer) {
  const rows = [...Object.entries(answer.experiments), ...(scan.experiments.length > 1 ? [["combined", answer.combined]] : [])];
  return h("div", { class: "scroll" }, h("table", { class: "numbers" },
    h("caption", {}, `Who excludes it, with ${answer.dof} degree${answer.dof === 1 ? "" : "s"} of freedom`),
    h("thead", {}, h("tr", {}, h("td"), ["χ²", "Δχ²", "σ", "excluded at"].map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, rows.filter(([, one]) => one).map(([name, one]) => h("tr", { class: name === "combined" ? "total" : "" },
      h("th", { scope: "row" }, scan.titles[name] ?? name),
      h("td", {}, fixed(one.chi2)), h("td", {}, fixed(one.delta_chi2)), h("td", {}, deviations(one.sigma)),
      h("td", { class: "yes" }, verdict(one)))))));
}

// the highest level that excludes the point says all of them
function verdict(one) {
  const beyond = LEVELS.filter((level) => one.excluded?.[level]).at(-1);
  return beyond ?? "no level: allowed at 68.27 %";
}

const notes = (told) => (told.notes ?? []).map((text) => h("p", { class: "notice" }, text));

function experiment(scan, name, one, spectrum) {
  const title = scan.titles[name] ?? spectrum?.title ?? name;
  const pulls = h("div", { class: "figure pulls" });
  const bins = h("div", { class: "spectra" });
  const element = h("section", { class: "experiment", "aria-label": title },
    h("h3", {}, title),
    h("p", { class: "meta" }, `χ² = ${fixed(one.chi2)}, Standard Model ${fixed(one.chi2_sm)}`),
    h("div", { class: "pair" }, counts(one), h("figure", {}, h("figcaption", {}, "Pulls, in units of their prior width"), pulls)),
    bins);
  return { element, draw: async () => { await drawPulls(pulls, spectrum, title); await drawSpectra(bins, spectrum, title); } };
}

const WORDS = { sm_signal: "signal of the Standard Model", signal: "signal", total: "total", observed: "observed" };
const words = (name) => WORDS[name] ?? name.replaceAll("_", " ");

// expected before the fit and after it; what only one of them has is left blank in the other
function counts(one) {
  const fitted = one.counts_fitted ?? {};
  const order = [...new Set([...Object.keys(one.counts).filter((name) => name !== "observed"), ...Object.keys(fitted), "observed"])];
  const row = (name) => h("tr", { class: name === "observed" || name === "total" ? "total" : "" },
    h("th", { scope: "row" }, words(name)), h("td", {}, shown(name === "observed" ? undefined : one.counts[name])),
    h("td", {}, shown(name === "observed" ? one.counts.observed : fitted[name])));
  const parts = Object.entries(one.components ?? {});
  return h("div", { class: "scroll" }, h("table", { class: "numbers" },
    h("caption", {}, "Counts"),
    h("thead", {}, h("tr", {}, h("td"), ["expected", "fitted"].map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, order.map(row))),
  parts.length > 1 && h("p", { class: "hint" }, "Signal by component: ", parts.map(([name, value], n) => [n ? ", " : "", sentence(flavour(name)), ` ${shown(value)}`])));
}

const shown = (value) => (value === undefined || value === null ? "" : number(value, 5));
