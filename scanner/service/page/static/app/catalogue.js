// The catalogue: scenarios with their formula and parameters, experiments with their data.

import { fill, h } from "./dom.js";
import { once } from "./known.js";
import { formula, sentence } from "./mathematics.js";
import { quantity, unitText } from "./numbers.js";

export async function showCatalogue(main, { titled }) {
  titled("Catalogue");
  fill(main, h("h1", {}, "Catalogue"), h("p", { class: "waiting" }, "Loading scenarios and experiments."));
  const [scenarios, experiments, overlays] = await Promise.all([once("scenarios"), once("experiments"), once("overlays")]);
  fill(main, h("h1", {}, "Catalogue"),
    h("nav", { class: "within", "aria-label": "Within this page" },
      [["scenarios", "Scenarios"], ["experiments", "Experiments"], ["limits", "Published limits"]].map(([id, text]) =>
        h("button", { type: "button", onclick: () => document.getElementById(id).scrollIntoView() }, text))),
    h("section", { id: "scenarios", "aria-label": "Scenarios" }, h("h2", {}, "Scenarios"), scenarios.map(scenario)),
    h("section", { id: "experiments", "aria-label": "Experiments" }, h("h2", {}, "Experiments"), experiments.map(experiment)),
    h("section", { id: "limits", "aria-label": "Published limits" }, h("h2", {}, "Published limits"), limits(overlays)));
}

function scenario(one) {
  return h("details", { class: "entry" },
    h("summary", {}, one.title, " ", h("code", {}, one.scenario)),
    one.formula && h("pre", { class: "formula" }, one.formula),
    one.parameters.length > 0 && h("div", { class: "scroll" }, parameters(one.parameters)),
    h("p", {}, h("a", { class: "button", href: `#/new?scenario=${encodeURIComponent(one.scenario)}` }, "Scan it")),
    one.references.length > 0 && h("ul", { class: "references" }, one.references.map((text) => h("li", {}, text))));
}

function parameters(list) {
  return h("table", {},
    h("thead", {}, h("tr", {}, ["Parameter", "Symbol", "Unit", "Range", "Default", "What it is"].map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, list.map((one) => h("tr", {},
      h("th", { scope: "row" }, h("code", {}, one.name)),
      h("td", {}, one.latex ? formula(one.latex) : ""),
      h("td", {}, unitText(one.unit)),
      h("td", {}, one.range.replaceAll("inf", "∞").replaceAll("-", "−")),
      h("td", {}, shownDefault(one)),
      h("td", {}, one.description)))));
}

function shownDefault(one) {
  if (one.default === null) return "to be given";
  return typeof one.default === "number" ? quantity(one.default, one.unit) : one.default;
}

function experiment(one) {
  const body = h("div", {}, h("p", { class: "waiting" }, "Loading."));
  const entry = h("details", { class: "entry" }, h("summary", {}, one.title, " ", h("code", {}, one.name)), body);
  entry.addEventListener("toggle", async () => fill(body, described(await once(`experiments/${one.name}`))), { once: true });
  return entry;
}

function described(one) {
  const facts = [["Source", one.source], ["Baseline", one.baseline], ["Target", one.target], ["Exposure", one.exposure]];
  return [
    one.about.map((text) => h("p", {}, text)),
    h("dl", { class: "facts" }, facts.filter(([, text]) => text).map(([name, text]) => [h("dt", {}, name), h("dd", {}, text)])),
    Object.keys(one.available_choices ?? {}).length > 0 && [
      h("h3", {}, "Choices"),
      h("dl", {}, Object.entries(one.available_choices).map(([name, values]) => [
        h("dt", {}, h("code", {}, name), `: ${values.join(", ")}`),
        h("dd", {}, (one.about_choices?.[name] ?? "").replaceAll("``", "")),
      ])),
    ],
    (one.remarks ?? []).map((text) => h("p", { class: "hint" }, text)),
  ];
}

function limits(overlays) {
  return h("div", { class: "scroll" }, h("table", {},
    h("thead", {}, h("tr", {}, ["Limit", "Scenario", "Kind", "CL", "Source"].map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, overlays.map((one) => h("tr", {},
      h("th", { scope: "row" }, sentence(one.title)),
      h("td", {}, h("code", {}, one.scenario)),
      h("td", {}, sentence(one.kind)),
      h("td", {}, String(one.cl).startsWith("not") ? "not said" : String(one.cl)),
      h("td", {}, one.citation, one.arxiv && ` arXiv:${one.arxiv}`))))));
}
