// What stands behind a scan: definition, best fits, provenance, references.

import { fill, h } from "./dom.js";
import { written } from "./downloads.js";
import { formula } from "./mathematics.js";
import { fixed, moment, number, unitText } from "./numbers.js";
import { toml } from "./toml.js";

/** Put it into the element. */
export function details(element, scan) {
  const { provenance } = scan;
  fill(element,
    h("h2", {}, "What stands behind it"),
    h("details", {}, h("summary", {}, "Best fits"), bestFits(scan)),
    h("details", {}, h("summary", {}, "Definition"), h("pre", { tabindex: "0" }, h("code", {}, toml(written(scan.definition)))),
      h("p", {}, h("a", { class: "button", href: `#/new?scan=${scan.id}` }, "Begin a new scan with it"))),
    provenance && h("details", {}, h("summary", {}, "Provenance"), origin(scan)),
    provenance?.references?.length > 0 && h("details", {}, h("summary", {}, "References"),
      h("ul", { class: "references" }, provenance.references.map((text) => h("li", {}, linked(text))))));
}

function bestFits(scan) {
  const minima = Object.entries(scan.minima ?? {});
  if (!minima.length) return h("p", { class: "hint" }, "They are looked for when every point is computed.");
  const usual = scan.provenance?.summary?.chi2_sm ?? {};
  return h("div", { class: "scroll" }, h("table", { class: "numbers" },
    h("thead", {}, h("tr", {}, h("td"), h("th", { scope: "col" }, "χ²"), h("th", { scope: "col" }, "χ² of the Standard Model"),
      scan.axes.map((axis) => h("th", { scope: "col" }, axis.latex ? formula(axis.latex) : axis.name, axis.unit ? ` [${unitText(axis.unit)}]` : "")))),
    h("tbody", {}, minima.filter(([name]) => name !== "combined" || scan.experiments.length > 1).map(([name, one]) => h("tr", {},
      h("th", { scope: "row" }, scan.titles[name] ?? name), h("td", {}, fixed(one.chi2)), h("td", {}, fixed(usual[name] ?? together(usual, name))),
      scan.axes.map((axis) => h("td", {}, number(one.at[axis.name]), one.on_edge.includes(axis.name) ? " (edge)" : "")))))));
}

const together = (usual, name) => (name === "combined" && Object.keys(usual).length ? Object.values(usual).reduce((sum, one) => sum + one, 0) : null);

function origin(scan) {
  const { provenance } = scan;
  const facts = [
    ["Scan", scan.id], ["Digest", scan.digest], ["Created", moment(scan.created)], ["Last written", moment(scan.last_written)],
    ["Version", `${provenance.versions?.["cevns-scanner"]}, engine ${provenance.versions?.engine}`],
    ["Python", provenance.environment?.python], ["Computed on", provenance.environment?.platform],
    ["Sources", provenance.sources_unchanged ? "are those installed here" : "have changed since: points cannot be explained"],
  ];
  return h("dl", { class: "facts" }, facts.filter(([, text]) => text).map(([name, text]) => [h("dt", {}, name), h("dd", {}, text)]));
}

// identifiers become links: they lead elsewhere only when they are followed
function linked(text) {
  return text.split(/(arXiv:[\w./-]*\w|doi:\S*\w)/).map((part) => {
    if (part.startsWith("arXiv:")) return out(`https://arxiv.org/abs/${part.slice(6)}`, part);
    if (part.startsWith("doi:")) return out(`https://doi.org/${part.slice(4)}`, part);
    return part;
  });
}

const out = (href, text) => h("a", { href, rel: "noopener noreferrer", target: "_blank" }, text);
