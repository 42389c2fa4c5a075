// The view of one scan: its figure, what may be chosen of it, points explained, downloads.

import { answers } from "./answers.js";
import { calledOff, get } from "./api.js";
import { chosen, query } from "./choices.js";
import { controls, drawOverlays, statistic } from "./controls.js";
import { drawCurve, intervalTable } from "./curve.js";
import { details } from "./details.js";
import { debounced, fill, h, problem, say, waiting } from "./dom.js";
import { downloads } from "./downloads.js";
import { experimentTitles, scenarioTitles } from "./known.js";
import { formula, plain, sentence } from "./mathematics.js";
import { count, percent, quantity } from "./numbers.js";
import { described, drawPlane, hasGaps } from "./plane.js";
import { explain } from "./point.js";
import { follow } from "./pointer.js";
import { progress } from "./progress.js";
import { keepQuery } from "./route.js";
import { badge } from "./scans.js";
import { onLight } from "./theme.js";

const QUIET = 150; // ms between a change and its question

export async function showScan(main, { path, query: said, signal, titled }) {
  fill(main, waiting("Opening the scan."));
  const scan = await get(`scans/${path[0]}`, {}, signal).finally(() => fill(main));
  titled(plain(scan.title || scan.name));
  document.title = `${plain(scan.title || scan.name)} · CEvNS scanner`;
  const [titles, known] = await Promise.all([scenarioTitles(), experimentTitles()]);
  const state = { scan: { titles: known, ...scan }, choices: chosen(said, scan), found: null, signal };
  const parts = { progress: h("section", { class: "progress", "aria-label": "Progress" }), whole: h("div") };
  fill(main, heading(state.scan, titles), scan.phase === "complete" ? null : parts.progress, parts.whole);
  if (scan.phase !== "complete") watch(main, parts, state, { path, signal, titled });
  else figures(parts.whole, state);
}

// until it is complete: progress, and on request what is computed already
function watch(main, parts, state, view) {
  const { scan } = state;
  const ended = (phase) => {
    if (phase === "complete") showScan(main, { ...view, query: new URLSearchParams(location.hash.split("?")[1] ?? "") }).catch((error) => main.append(problem(error)));
  };
  const peek = h("button", { type: "button", hidden: true, onclick: async () => {
    state.scan = { ...state.scan, ...(await get(`scans/${scan.id}`, {}, view.signal)) };
    figures(parts.whole, state);
  } }, "Show what is computed already");
  const moving = (done) => { peek.hidden = !(done > 0); };
  let following = false;
  let asked = -Infinity; // when it was cancelled or resumed last
  const begin = async () => {
    if (following) return;
    following = true;
    await progress(parts.progress, scan, view.signal, { moving, ended, asked: () => asked });
    following = false;
  };
  window.addEventListener("asked-again", () => { asked = Date.now(); begin(); }, { signal: view.signal });
  begin();
  fill(parts.whole, h("p", { class: "hint" }, "Figures and downloads are here when every point is computed. "), peek);
}

function heading(scan, titles) {
  const held = Object.entries(scan.definition?.parameters ?? {}).filter(([, value]) => typeof value === "string");
  return h("header", { class: "heading" },
    h("p", { class: "meta" }, h("a", { href: "#/" }, "Scans"), " / ", h("code", {}, scan.id)),
    h("div", { class: "headline" }, h("h1", {}, sentence(scan.title || scan.name)), scan.phase === "complete" && badge(scan.phase, 1)),
    scan.description && h("p", {}, sentence(scan.description.trim())),
    h("p", { class: "meta" }, titles[scan.scenario] ?? scan.scenario,
      held.map(([name, value]) => `, ${name.replaceAll("_", " ")} ${value}`), ` · ${count(scan.points)} points · `,
      scan.experiments.map((name) => scan.titles[name] ?? name).join(", ")));
}

function figures(whole, state) {
  const element = h("div", { class: "plot" });
  const frame = h("div", { class: "frame", tabindex: "0", role: "group", "aria-roledescription": "figure", "aria-describedby": "how" }, element);
  const place = {
    frame, element, told: h("div", { class: "told-below", "aria-live": "polite" }), table: h("div"), chosen: h("p", { class: "chosen" }), caption: h("p", { class: "caption" }),
    point: h("section", { class: "point", tabindex: "-1", "aria-label": "A point explained" }), controls: h("div", { class: "controls", role: "form", "aria-label": "What is shown" }),
  };
  fill(whole,
    h("div", { class: "sides" },
      h("section", { class: "figure-side", "aria-label": "Figure" }, frame, place.chosen, place.caption,
        h("p", { class: "unseen", id: "how" }, "Arrow keys move over the figure, Enter explains the point."), place.told, place.table),
      place.controls, place.point),
    section(downloads, state), section(details, state.scan));
  const changed = changing(state, place);
  controls(place.controls, state, changed);
  follow(frame, element, state, (at) => pick(state, place, at));
  onLight(() => { draw(state, place); point(state, place); controls(place.controls, state, changed); }, state.signal);
  changed.now();
  chosenPoint(state, place);
  point(state, place);
}

function section(made, given) {
  const element = h("section", { class: made.name });
  made(element, given);
  return element;
}

// a change asks anew, after a moment, and calls off what was asked before
function changing(state, place) {
  let asking = new AbortController();
  state.signal.addEventListener("abort", () => asking.abort());
  const ask = async () => {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    keepQuery(query(state.choices, state.scan));
    place.frame.setAttribute("aria-busy", "true");
    try {
      state.found = await answers(state.scan, state.choices, signal);
      await draw(state, place);
      drawOverlays(place.controls, state, changed);
      fill(place.told, remarks(state));
    } catch (error) {
      if (calledOff(error)) return;
      fill(place.told, problem(error, changed.now));
    }
    place.frame.removeAttribute("aria-busy");
  };
  const changed = debounced(ask, QUIET);
  changed.now = ask;
  return changed;
}

async function draw(state, place) {
  const { scan, choices, found } = state;
  if (!found) return;
  if (choices.y) await drawPlane(place.element, scan, choices, found);
  else await drawCurve(place.element, scan, choices, found);
  place.frame.setAttribute("aria-label", choices.y ? described(scan, choices, found) : `Delta chi2 of ${choices.x}`);
  place.element.dataset.drawn = String(Number(place.element.dataset.drawn ?? 0) + 1);
  fill(place.caption, caption(state));
  if (choices.y) fill(place.table);
  else intervalTable(place.table, scan, choices, found);
}

const DASHED = ["solid", "dashed", "dotted", "dash-dotted"];

function caption({ scan, choices, found }) {
  const others = scan.axes.filter((axis) => axis.name !== choices.x && axis.name !== choices.y);
  const how = others.map((axis) => (axis.name in choices.held ? `${axis.name} = ${quantity(choices.held[axis.name], axis.unit)}` : `${axis.name} profiled`));
  const shaded = choices.y && found.lines.length && choices.levels.length ? `Shaded: excluded by ${found.lines.at(-1).title} at ${percent(choices.levels[0])}. ` : "";
  const dashes = choices.y && choices.levels.length > 1 ? choices.levels.map((level, n) => `${percent(level)} ${DASHED[n]}`).join(", ") + "; " : "";
  const gaps = choices.y && found.lines.some((line) => hasGaps(line.surface)) ? "Sand-coloured: not computed. " : "";
  return [gaps, shaded, dashes, `${statistic(choices)}, Δχ² from ${{ global: "the best fit", sm: "the Standard Model", raster: "the best fit at each value" }[choices.reference]}`,
    how.length ? `; ${how.join(", ")}` : "", ". A click explains a point."];
}

// what a reader must know of the lines
function remarks({ found }) {
  const said = [];
  if (!found.lines.length) said.push("No line is chosen: tick one beside the figure.");
  const narrow = found.lines.filter((line) => (line.contours ?? []).some((one) => one.under_resolved));
  if (narrow.length) {
    const where = narrow.map((line) => `${line.title} at ${count(Math.max(...line.contours.map((one) => one.narrow_points)))} points`);
    said.push(`Strips narrower than the grid, allowed or excluded, are not resolved: ${where.join(", ")}. A finer grid resolves them.`);
  }
  for (const line of found.lines) {
    for (const one of line.intervals ?? []) said.push(...(one.notes ?? []).map((text) => `${line.title}: ${text}`));
    if (line.surface.computed < 1) said.push(`${line.title}: ${percent(Math.floor(1000 * line.surface.computed) / 1000)} of the points are computed.`);
    else if (line.surface.coverage < 1) said.push(`${line.title}: ${percent(Math.floor(1000 * line.surface.coverage) / 1000)} of the points have a usable likelihood.`);
  }
  return [...new Set(said)].map((text) => h("p", { class: "notice" }, text));
}

function pick(state, place, at) {
  state.choices.at = at;
  keepQuery(query(state.choices, state.scan));
  say("The point is explained below the figure.");
  draw(state, place);
  chosenPoint(state, place);
  point(state, place);
}

// beneath the figure, so that the page need not move away from it
function chosenPoint({ scan, choices }, place) {
  if (!choices.at) {
    fill(place.chosen);
    return;
  }
  const values = scan.axes.filter((axis) => axis.name in choices.at).map((axis, n) =>
    [n ? ", " : "", axis.latex ? formula(axis.latex) : axis.name, " = ", quantity(choices.at[axis.name], axis.unit)]);
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  fill(place.chosen, h("span", {}, "Chosen: ", values), h("button", { type: "button", onclick: () => {
    place.point.scrollIntoView({ behavior: still ? "auto" : "smooth" });
    place.point.focus({ preventScroll: true });
  } }, "See it explained"));
}

let explaining = new AbortController();

function point(state, place) {
  explaining.abort();
  explaining = new AbortController();
  state.signal.addEventListener("abort", () => explaining.abort(), { signal: explaining.signal });
  explain(place.point, state, explaining.signal);
}
