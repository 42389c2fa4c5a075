// Parts of the form: scenario and its choices, experiments and theirs, values that stay, conventions.

import { choice, field, fill, h, tick } from "./dom.js";
import { choicesOf } from "./known.js";
import { formula, sentence } from "./mathematics.js";
import { quantity, typed, unitText } from "./numbers.js";

export function scenarioPart(element, form) {
  const { definition, scenarios } = form;
  const [first = "", ...more] = definition.scenario.split("+").filter(Boolean);
  const put = (names) => {
    const before = definition.scenario;
    definition.scenario = names.filter(Boolean).join("+");
    if (before !== definition.scenario) { definition.axes = {}; delete definition.parameters; }
    form.again();
  };
  const titled = scenarios.map((one) => [one.scenario, one.title]);
  const list = choice([["", "choose one"], ...titled], first, (name) => put([name, ...more]));
  const other = choice([["", "nothing else"], ...titled.filter(([name]) => name !== first)], more[0] ?? "", (name) => put([first, name]));
  const found = form.scenario;
  fill(element, h("legend", {}, "Scenario"),
    h("div", { class: "columns" }, field("What is proposed", list, { path: "scenario" }), first && field("Together with", other, { path: "together" })),
    found?.formula && h("pre", { class: "formula" }, found.formula),
    h("div", { class: "columns" }, (found?.parameters ?? []).filter(choicesOf).map((one) => valueField(one, form))));
}

/** A parameter with a fixed value: one of its choices, or a number. */
export function valueField(parameter, form) {
  const { definition } = form;
  const chosen = definition.parameters?.[parameter.name];
  const put = (value) => {
    const rest = { ...definition.parameters };
    if (value === "") delete rest[parameter.name];
    else rest[parameter.name] = value;
    definition.parameters = rest;
    form.changed();
  };
  const choices = choicesOf(parameter);
  const control = choices
    ? choice(choices.map((one) => [one, one === parameter.default ? `${one} (default)` : one]), chosen ?? parameter.default, put)
    : h("input", { type: "text", inputmode: "decimal", value: typed(chosen), placeholder: usual(parameter), oninput: (event) => put(numeric(event.target.value)) });
  const label = [parameter.latex ? formula(parameter.latex) : parameter.name.replaceAll("_", " "), parameter.unit ? ` [${unitText(parameter.unit)}]` : ""];
  return field(label, control, { path: `parameters.${parameter.name}`, hint: sentence(parameter.description) });
}

const usual = (parameter) => (typeof parameter.default === "number" ? quantity(parameter.default, "") : parameter.default ?? "must be given");

/** A number if the text is one, else the text: the service says what is wrong with it. */
export function numeric(text) {
  const trimmed = text.trim();
  if (trimmed === "" || !Number.isFinite(Number(trimmed))) return trimmed;
  return Number(trimmed);
}

export function experimentsPart(element, form) {
  const { definition, experiments } = form;
  const flip = (name) => async (on) => {
    definition.experiments = experiments.map((one) => one.name).filter((one) => (one === name ? on : definition.experiments.includes(one)));
    if (!on && definition.experiment) delete definition.experiment[name];
    await form.again();
  };
  const rows = experiments.map((one) => {
    const on = definition.experiments.includes(one.name);
    return h("div", { class: "experiment-choice" },
      tick(one.title, on, flip(one.name), { "data-name": one.name }), on && choicesOfExperiment(one.name, form));
  });
  const wrong = h("div", { tabindex: "-1" }, rows);
  const box = field("One or more; their likelihoods are combined", wrong, { path: "experiments" });
  box.querySelector("label").removeAttribute("for");
  fill(element, h("legend", {}, "Experiments"), box);
}

function choicesOfExperiment(name, form) {
  const { definition } = form;
  const found = form.details[name];
  const entries = Object.entries(found?.available_choices ?? {}).filter(([, values]) => values.length > 1);
  if (!entries.length) return null;
  const made = entries.map(([key, values]) => {
    const chosen = definition.experiment?.[name]?.[key] ?? values[0];
    const control = choice(values.map((one, n) => [one, n ? readable(one) : `${readable(one)} (default)`]), chosen, (value) => {
      definition.experiment = { ...definition.experiment, [name]: { ...definition.experiment?.[name], [key]: value } };
      form.changed();
    });
    const about = found.about_choices?.[key];
    return field(readable(key), control, { path: `experiment.${name}.${key}`, hint: about ? about.replaceAll("``", "") : null });
  });
  const changed = Object.keys(definition.experiment?.[name] ?? {}).length > 0;
  return h("details", { open: false }, h("summary", {}, `Choices of the analysis${changed ? ": given" : ": all by default"}`), h("div", { class: "columns" }, made));
}

const readable = (name) => name.replaceAll("_", " ");

/** Parameters of the scenario, and inputs of it and of the experiments; each once. */
export function allParameters(form) {
  const inputs = form.definition.experiments.flatMap((name) => form.details[name]?.inputs ?? []);
  const found = [...(form.scenario?.parameters ?? []), ...(form.scenario?.inputs ?? []).filter((one) => wanted(one, inputs, form)), ...inputs];
  return [...new Map(found.map((one) => [one.name, one])).values()];
}

// inputs of experiments that are not chosen would only be in the way
function wanted(input, inputs, { definition }) {
  const used = input.name in definition.axes || input.name in (definition.parameters ?? {}) || input.name in (definition.profile ?? {});
  return used || input.name === "sin2_theta_w" || input.name.startsWith("R_n") || input.name.endsWith("_flux") || inputs.some((one) => one.name === input.name);
}

export function parametersPart(element, form) {
  const { definition } = form;
  const free = allParameters(form).filter((one) => !choicesOf(one) && !(one.name in definition.axes) && !(one.name in (definition.profile ?? {})));
  const must = free.filter((one) => one.default === null || one.name in (definition.parameters ?? {}));
  const rest = free.filter((one) => !must.includes(one));
  fill(element, h("legend", {}, "Values that stay"),
    h("div", { class: "columns" }, must.map((one) => valueField(one, form))),
    rest.length > 0 && h("details", {}, h("summary", {}, `${rest.length} more that may be given: left out, they are at their default`),
      h("div", { class: "columns" }, rest.map((one) => valueField(one, form)))),
    profiled(form),
    !free.length && h("p", { class: "hint" }, "There is none yet: choose a scenario."));
}

// inputs with a constraint, as a ready-made definition has them
function profiled(form) {
  const entries = Object.entries(form.definition.profile ?? {});
  if (!entries.length) return null;
  return [h("h2", {}, "Profiled with a constraint"), h("ul", {}, entries.map(([name, one]) => h("li", {}, h("code", {}, name), ` ${Object.entries(one).map(([key, value]) => `${key} ${value}`).join(", ")} `,
    h("button", { type: "button", "aria-label": `Do not profile ${name}`, onclick: () => {
      delete form.definition.profile[name];
      form.again();
    } }, "Remove"))))];
}

export function optionsPart(element, form) {
  const { definition, options } = form;
  fill(element, h("legend", {}, "Conventions"), h("div", { class: "columns" }, Object.entries(options).map(([name, values]) =>
    field(readable(name), choice(values.map((one, n) => [one, n ? readable(one) : `${readable(one)} (default)`]), definition.options?.[name] ?? values[0], (value) => {
      definition.options = { ...definition.options, [name]: value };
      form.changed();
    }), { path: `options.${name}` }))));
}
