// The axes of a scan: which parameters, from where to where, in how many steps.

import { choice, field, fill, h } from "./dom.js";
import { allParameters, numeric } from "./form_parts.js";
import { choicesOf } from "./known.js";
import { plain } from "./mathematics.js";
import { typed, unitText } from "./numbers.js";

const SPACINGS = [["log", "logarithmic"], ["linear", "linear"], ["list", "a list of values"]];
const USUAL = 60; // points of a new axis

export function axesPart(element, form) {
  const { definition } = form;
  const names = Object.keys(definition.axes);
  const free = allParameters(form).filter((one) => !choicesOf(one) && !names.includes(one.name));
  const add = choice([["", "add an axis: a parameter to scan"], ...free.map((one) => [one.name, said(one)])], "", (name) => {
    const parameter = free.find((one) => one.name === name);
    definition.axes = { ...definition.axes, [name]: fresh(parameter) };
    if (definition.parameters) delete definition.parameters[name];
    form.redraw("axes", "parameters");
    form.changed();
    element.querySelector(`[data-path="axes.${CSS.escape(name)}.start"]`)?.focus();
  }, { "aria-label": "Add an axis" });
  fill(element, h("legend", {}, "Axes"),
    names.length > 1 && h("p", { class: "hint" }, "The first axis runs across the figure and the last upwards; those between are profiled unless a view holds them."),
    names.map((name, n) => axis(name, n, names, form)),
    field("Parameter", add, { path: "axes" }));
}

const said = (one) => `${one.name}${one.latex ? ` (${plain(`$${one.latex}$`)})` : ""}${one.description ? `: ${one.description}` : ""}`.slice(0, 110);

// only what is sure: the unit, and a range that is finite
function fresh(parameter) {
  const [low, high] = parameter.range.split(" .. ").map((text) => Number(text.replace("inf", "Infinity")));
  const bounded = Number.isFinite(low) && Number.isFinite(high);
  return {
    spacing: low >= 0 && !bounded ? "log" : "linear", ...(bounded ? { start: low, stop: high } : {}), n: USUAL,
    ...(parameter.unit ? { unit: parameter.unit } : {}),
  };
}

function axis(name, n, names, form) {
  const { definition } = form;
  const own = definition.axes[name];
  const parameter = allParameters(form).find((one) => one.name === name);
  const put = (key, value) => {
    if (value === "") delete own[key];
    else own[key] = value;
    form.changed();
  };
  const spacing = choice(SPACINGS, own.spacing, (value) => {
    definition.axes[name] = value === "list" ? { spacing: value, values: [own.start, own.stop].filter((one) => one !== undefined), ...unit(own) } : { spacing: value, start: own.start ?? own.values?.[0], stop: own.stop ?? own.values?.at(-1), n: own.n ?? USUAL, ...unit(own) };
    form.redraw("axes");
    form.changed();
  });
  return h("div", { class: "axis", role: "group", "aria-label": `axis ${name}` },
    h("div", { class: "headline" }, h("h2", {}, h("code", {}, name), parameter?.unit ? ` in ${unitText(parameter.unit)}` : ""), h("div", { class: "buttons" },
      n > 0 && h("button", { type: "button", "aria-label": `Move ${name} up`, onclick: () => moved(name, -1, form) }, "↑"),
      n < names.length - 1 && h("button", { type: "button", "aria-label": `Move ${name} down`, onclick: () => moved(name, 1, form) }, "↓"),
      h("button", { type: "button", "aria-label": `Remove ${name}`, onclick: () => removed(name, form) }, "Remove"))),
    parameter && h("p", { class: "hint" }, parameter.description, parameter.range.includes("-inf .. inf") ? "" : ` (${parameter.range.replaceAll("inf", "∞")})`),
    h("div", { class: "numbers-row" },
      field("Spacing", spacing, { path: `axes.${name}.spacing` }),
      own.spacing === "list" ? listField(name, own, put) : endFields(name, own, put)));
}

const unit = (own) => (own.unit ? { unit: own.unit } : {});

function endFields(name, own, put) {
  const box = (key, label) => field(label, h("input", { type: "text", inputmode: "decimal", value: typed(own[key]), oninput: (event) => put(key, numeric(event.target.value)) }), { path: `axes.${name}.${key}` });
  return [box("start", "From"), box("stop", "To"), box("n", "Points"), own.unit !== undefined && field("Unit", h("input", { type: "text", value: own.unit, oninput: (event) => put("unit", event.target.value) }), { path: `axes.${name}.unit` })];
}

function listField(name, own, put) {
  return field("Values, in rising order", h("input", { type: "text", value: (own.values ?? []).map(typed).join(", "),
    oninput: (event) => put("values", event.target.value.split(/[\s,;]+/).filter(Boolean).map(numeric)) }), { path: `axes.${name}.values`, wide: true });
}

function moved(name, by, form) {
  const entries = Object.entries(form.definition.axes);
  const from = entries.findIndex(([one]) => one === name);
  entries.splice(from + by, 0, ...entries.splice(from, 1));
  form.definition.axes = Object.fromEntries(entries);
  form.redraw("axes");
  form.changed();
}

function removed(name, form) {
  delete form.definition.axes[name];
  form.redraw("axes", "parameters");
  form.changed();
}
