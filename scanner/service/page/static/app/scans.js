// The scans of the store: cards with a figure, what each is, and how far it is.

import { calledOff, file, get, pause } from "./api.js";
import { choice, debounced, field, fill, freshId, h } from "./dom.js";
import { experimentTitles, scenarioTitles } from "./known.js";
import { formula, plain, sentence } from "./mathematics.js";
import { count, moment, percent } from "./numbers.js";

const PAGE = 200;
export const ID_DIGITS = 8; // of an id, where all of it is too long
const AGAIN = 5; // s between looks while something runs
export const PHASES = {
  complete: "complete", running: "running", queued: "queued", failed: "failed",
  incomplete: "incomplete", cancelled: "cancelled",
};
const ORDERS = {
  newest: ["newest first", (a, b) => (b.last_written ?? "").localeCompare(a.last_written ?? "")],
  title: ["title", (a, b) => plain(a.title).localeCompare(plain(b.title))],
  scenario: ["scenario", (a, b) => a.scenario.localeCompare(b.scenario)],
  phase: ["state", (a, b) => Object.keys(PHASES).indexOf(b.phase) - Object.keys(PHASES).indexOf(a.phase)],
};

export async function showScans(main, { signal, titled }) {
  titled("Scans");
  const list = h("ul", { class: "cards", "aria-label": "Scans" });
  const told = h("p", { class: "hint", role: "status" });
  const seen = { text: "", order: "newest", phase: "" };
  const again = () => draw(list, told, state, seen, signal);
  fill(main, h("div", { class: "headline" }, h("h1", {}, "Scans"), h("a", { class: "button main", href: "#/new" }, "New scan")),
    tools(seen, again), told, list);
  fill(told, "Loading the scans of this store.");
  const state = { scans: [], cards: new Map(), titles: await Promise.all([experimentTitles(), scenarioTitles()]) };
  for (;;) {
    state.scans = await all(signal);
    again();
    const moving = state.scans.some((scan) => scan.phase === "running" || scan.phase === "queued");
    await pause(moving ? AGAIN : 12 * AGAIN, signal);
    while (document.hidden) await pause(AGAIN, signal);
  }
}

async function all(signal) {
  const found = [];
  for (;;) {
    const page = await get("scans", { offset: found.length, limit: PAGE }, signal);
    found.push(...page.scans);
    if (!page.scans.length || found.length >= page.total) return found;
  }
}

function tools(seen, again) {
  const later = debounced(again, 150);
  const search = h("input", { type: "search", placeholder: "title, scenario, experiment, id",
    oninput: () => { seen.text = search.value; later(); } });
  const order = choice(Object.entries(ORDERS).map(([name, [text]]) => [name, text]), seen.order, (name) => { seen.order = name; again(); });
  const phase = choice([["", "all states"], ...Object.entries(PHASES)], "", (name) => { seen.phase = name; again(); });
  return h("div", { class: "tools", role: "search" },
    field("Search", search), field("Order", order), field("State", phase));
}

function draw(list, told, state, seen, signal) {
  const wanted = state.scans.filter((scan) => fits(scan, seen, state.titles)).sort(ORDERS[seen.order][1]);
  if (!state.scans.length) {
    fill(told);
    fill(list, h("li", { class: "empty" }, begin()));
    return;
  }
  fill(told, wanted.length === state.scans.length ? `${wanted.length} scan${wanted.length === 1 ? "" : "s"}`
    : `${wanted.length} of ${state.scans.length} scans`);
  fill(list, wanted.map((scan) => card(scan, state, signal)));
}

function begin() {
  return [
    h("h2", {}, "There is no scan in this store yet"),
    h("p", {}, "A scan computes the likelihood of one scenario for one or more experiments on a grid of parameters. Begin with a ready-made definition, change what you like, and see what it costs before it runs."),
    h("p", {}, h("a", { class: "button main", href: "#/new" }, "Make the first scan")),
    h("p", { class: "hint" }, "Or from the command line, into the same store: ", h("code", {}, "scanner run light_vector_universal")),
  ];
}

function fits(scan, seen, [experiments, scenarios]) {
  if (seen.phase && scan.phase !== seen.phase) return false;
  const names = scan.experiments.map((name) => `${name} ${experiments[name] ?? ""}`);
  const text = [plain(scan.title), scan.name, scan.scenario, scenarios[scan.scenario] ?? "", scan.id, scan.apart ?? "", ...names].join(" ").toLowerCase();
  return seen.text.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

// a card stays as it is while nothing changes: its figure is fetched once
function card(scan, state, signal) {
  const stamp = JSON.stringify([scan.phase, scan.fraction, scan.last_written, scan.title, scan.apart]);
  const known = state.cards.get(scan.id);
  if (known?.stamp === stamp) return known.element;
  const element = made(scan, state.titles, signal);
  state.cards.set(scan.id, { stamp, element });
  return element;
}

function made(scan, [experiments, scenarios], signal) {
  const id = freshId("card");
  return h("li", { class: "card" },
    thumbnail(scan, signal),
    h("div", { class: "about" },
      h("h2", { id }, h("a", { href: `#/scan/${scan.id}` }, sentence(scan.title || scan.name))),
      h("p", { class: "meta" }, scenarios[scan.scenario] ?? scan.scenario, " · ",
        scan.axes.map((axis, n) => [n ? ", " : "", axis.latex ? formula(axis.latex) : axis.name]).flat(),
        scan.points ? ` · ${count(scan.points)} points` : ""),
      h("p", { class: "meta" }, scan.experiments.map((name) => experiments[name] ?? name).join(", ")),
      scan.apart && h("p", { class: "meta apart" }, scan.apart),
      badge(scan.phase, scan.fraction),
      h("span", { class: "meta when" }, moment(scan.last_written || scan.created), " · ",
        h("code", { title: scan.id }, scan.id.slice(0, ID_DIGITS)))));
}

/** State of a scan, in words and as a bar while it is under way. */
export function badge(phase, fraction) {
  const open = phase === "running" || phase === "incomplete";
  return h("span", { class: `badge ${phase}` }, PHASES[phase] ?? phase,
    open && ` ${percent(Math.floor(100 * (fraction ?? 0)) / 100)}`,
    open && h("progress", { max: "1", value: String(fraction ?? 0), "aria-label": "done" }));
}

const watching = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((one) => one.isIntersecting)) {
    watching.unobserve(entry.target);
    entry.target.dispatchEvent(new Event("seen"));
  }
}, { rootMargin: "200px" });

function thumbnail(scan, signal) {
  const place = h("div", { class: "thumb" });
  if (scan.phase !== "complete") return fill(place, h("span", { class: "none" }, "no figure yet"));
  fill(place, h("span", { class: "none" }, "figure follows"));
  place.addEventListener("seen", async () => {
    try {
      const { blob } = await file(`scans/${scan.id}/thumbnail.png`, {}, signal);
      const url = URL.createObjectURL(blob);
      signal.addEventListener("abort", () => URL.revokeObjectURL(url));
      fill(place, h("img", { src: url, alt: `Figure of ${plain(scan.title)}`, width: "340", height: "300" }));
    } catch (error) {
      if (!calledOff(error)) fill(place, h("span", { class: "none" }, "no figure: ", error.message));
    }
  });
  watching.observe(place);
  return place;
}

