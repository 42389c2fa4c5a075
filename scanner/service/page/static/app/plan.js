// The plan of a definition: what it costs, and what is wrong with it beside the field that it names.

import { fill, h } from "./dom.js";
import { bytes, count, duration } from "./numbers.js";

/** Put a refusal beside its field; whether there is one. Null takes all of them away. */
export function told(form, error) {
  const root = form.parts.begin.parentElement;
  for (const control of root.querySelectorAll("[aria-invalid]")) {
    control.removeAttribute("aria-invalid");
    const old = document.getElementById(`${control.id}-wrong`);
    if (old) old.hidden = true;
  }
  const control = error && field(root, path(error.message));
  if (!control) return false;
  control.setAttribute("aria-invalid", "true");
  const wrong = document.getElementById(`${control.id}-wrong`);
  if (!wrong) return false;
  wrong.textContent = error.message.replace(/^definition: /, "");
  wrong.hidden = false;
  return true;
}

/** Path that a refusal names: "definition: axes.mass.unit: is missing" is axes.mass.unit. */
export function path(message) {
  return /^(?:definition: )?([A-Za-z_][\w+-]*(?:\.[\w+-]+)*)/.exec(message)?.[1] ?? "";
}

function field(root, wanted) {
  for (let parts = wanted.split("."); parts.length; parts.pop()) {
    const found = root.querySelector(`[data-path="${CSS.escape(parts.join("."))}"]`);
    if (found) return found;
  }
  return null;
}

/** What is missing, what is wrong, or what it costs, with the button that starts it. */
export function cost(element, form, submit, error = null, placed = false) {
  const { checked, definition } = form;
  const wrong = h("p", { class: "wrong", role: "alert" });
  const start = h("button", { type: "button", class: "main", disabled: !checked, onclick: () => submit(form, start, wrong) }, "Submit the scan");
  fill(element, h("h2", {}, "What it costs"),
    error && h("p", { class: "wrong", role: "status" }, placed ? "One entry must be mended: see the message beside it. " : "", error.message.replace(/^definition: /, "")),
    !checked && !error && h("p", { class: "hint" }, missing(definition) || "Checking."),
    checked && facts(checked),
    (checked?.notes ?? []).map((text) => h("p", { class: "notice" }, text)),
    checked?.stored && h("p", { class: "notice" }, "This scan is in the store already."),
    h("p", {}, checked?.stored ? h("a", { class: "button main", href: `#/scan/${checked.scan}` }, "Open the scan") : start), wrong);
}

/** What a definition lacks before it is worth a question; empty if nothing. */
export function missing(definition) {
  if (!definition.scenario) return "Choose a scenario.";
  if (!definition.experiments.length) return "Choose at least one experiment.";
  if (!Object.keys(definition.axes).length) return "Add at least one axis: a parameter to scan.";
  const open = Object.entries(definition.axes).find(([, axis]) => (axis.spacing === "list" ? ["values"] : ["start", "stop", "n"]).some((key) => axis[key] === undefined));
  return open ? `Axis ${open[0]}: say from where to where, and in how many points.` : "";
}

function facts({ cost: found, scan, definition }) {
  const shape = definition.axes.map((axis) => count(axis.n ?? axis.values?.length ?? 0)).join(" × ");
  const rows = [
    ["Points", `${count(found.points)}${definition.axes.length > 1 ? ` (${shape})` : ""}`],
    ["Chunks", count(found.chunks)],
    ["Time", `${duration(found.seconds)}${found.workers ? ` on ${found.workers} worker${found.workers === 1 ? "" : "s"}` : ""}`],
    ["Disk", bytes(found.disk_bytes)], ["Memory", `${bytes(found.memory_bytes)} a worker`], ["Scan", scan],
  ];
  return h("dl", { class: "facts" }, rows.map(([name, text]) => [h("dt", {}, name), h("dd", {}, text)]));
}
