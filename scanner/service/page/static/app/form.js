// A definition, built from the catalogue: checked by the service while it is written, costed before it runs.

import { calledOff, get, post } from "./api.js";
import { axesPart } from "./form_axes.js";
import { experimentsPart, optionsPart, parametersPart, scenarioPart } from "./form_parts.js";
import { debounced, field, fill, h, keepFocus, problem, waiting } from "./dom.js";
import { written } from "./downloads.js";
import { once } from "./known.js";
import { plain } from "./mathematics.js";
import { cost, missing, told } from "./plan.js";
import { toml } from "./toml.js";

const QUIET = 500; // ms between the last key and the plan

export async function showForm(main, { query, signal, titled }) {
  titled("New scan");
  fill(main, h("h1", {}, "New scan"), waiting("Loading the catalogue."));
  const [scenarios, experiments, options] = await Promise.all(["scenarios", "experiments", "options"].map((path) => once(path)));
  const form = { scenarios, experiments, definitions: null, options, signal, definition: empty(), scenario: null, details: {}, checked: null };
  const parts = Object.fromEntries(["begin", "words", "scenario", "experiments", "axes", "parameters", "options"].map((name) => [name, h("fieldset", { class: `part-${name}` })]));
  const aside = h("aside", { class: "aside", "aria-label": "What it costs" });
  const text = h("pre", { class: "toml", tabindex: "0" });
  form.parts = parts;
  form.changed = planning(form, aside, text);
  form.redraw = (...names) => names.forEach((name) => PARTS[name](parts[name], form));
  form.again = async () => {
    await known(form);
    keepFocus(() => form.redraw(...Object.keys(PARTS)));
    form.changed();
  };
  fill(main, h("h1", {}, "New scan"),
    h("p", {}, "Begin with a ready-made definition or from nothing. Every change is checked by the service."),
    h("form", { class: "form", novalidate: true, onsubmit: (event) => event.preventDefault() },
      h("div", {}, Object.values(parts), h("details", { class: "as-file" }, h("summary", {}, "The definition as TOML"), text, saveButton(form))), aside));
  await begin(form, query);
  form.definitions = await once("definitions"); // of many files: the form is there before them
  keepFocus(() => form.redraw("begin"));
}

const empty = () => ({ title: "", scenario: "", experiments: [], axes: {} });

const PARTS = {
  begin: beginPart, words: wordsPart, scenario: scenarioPart, experiments: experimentsPart,
  axes: axesPart, parameters: parametersPart, options: optionsPart,
};

// what the address asks for: a ready-made definition, a scan of the store, a scenario
async function begin(form, query) {
  if (query.has("from")) await load(form, query.get("from"));
  else if (query.has("scan")) form.definition = usual(written((await get(`scans/${query.get("scan")}`)).definition));
  else if (query.has("scenario")) form.definition.scenario = query.get("scenario");
  await form.again();
}

async function load(form, name) {
  const found = await once(`definitions/${name}`);
  form.definition = usual(structuredClone(found.written));
  form.from = name;
}

// a list of scenarios is one name; axes are always there
function usual(definition) {
  const scenario = [definition.scenario].flat().join("+");
  return { ...empty(), ...definition, scenario };
}

/** Records of what the definition names, fetched as they are needed. */
async function known(form) {
  const { definition } = form;
  form.scenario = definition.scenario ? await once(`scenarios/${definition.scenario}`).catch(() => null) : null;
  await Promise.all(definition.experiments.map(async (name) => {
    form.details[name] ??= await once(`experiments/${name}`).catch(() => null);
  }));
}

function beginPart(element, form) {
  const list = h("select", { onchange: async () => {
    if (list.value) await load(form, list.value);
    else form.definition = empty();
    await form.again();
  } }, h("option", { value: "" }, "from nothing"), form.definitions ? grouped(form) : h("option", { disabled: true }, "Loading the ready-made ones"));
  const file = h("input", { type: "file", accept: ".toml,.json", onchange: () => opened(form, file, element) });
  fill(element, h("legend", {}, "Begin with"), h("div", { class: "columns" },
    field("Ready-made definition", list, { path: "from" }), field("or a file of yours", file, { hint: "TOML or JSON, as for scanner run" })));
}

function grouped(form) {
  const groups = Map.groupBy ? Map.groupBy(form.definitions, (one) => one.scenario) : byScenario(form.definitions);
  const titles = Object.fromEntries(form.scenarios.map((one) => [one.scenario, one.title]));
  return [...groups].map(([scenario, list]) => h("optgroup", { label: titles[scenario] ?? scenario },
    list.map((one) => h("option", { value: one.name, selected: one.name === form.from }, one.title ? `${plain(one.title)} — ${one.name}` : one.name))));
}

function byScenario(definitions) {
  const groups = new Map();
  for (const one of definitions) groups.set(one.scenario, [...(groups.get(one.scenario) ?? []), one]);
  return groups;
}

async function opened(form, file, element) {
  try {
    const text = await file.files[0].text();
    const plan = await post("plan", text.trimStart().startsWith("{") ? JSON.parse(text) : text);
    form.definition = usual(written(plan.definition));
    await form.again();
  } catch (error) {
    element.append(problem(error));
  }
}

function wordsPart(element, form) {
  const { definition } = form;
  const write = (key) => (event) => {
    if (event.target.value) definition[key] = event.target.value;
    else delete definition[key];
    form.changed();
  };
  fill(element, h("legend", {}, "What it is called"),
    field("Title", h("input", { type: "text", value: definition.title ?? "", oninput: write("title") }), { path: "title", hint: "formulas between dollars" }),
    field("Description", h("textarea", { rows: "2", value: definition.description ?? "", oninput: write("description") }), { path: "description" }));
}

// asks for the plan when the form is quiet, and puts what is wrong beside its field
function planning(form, aside, text) {
  let asking = new AbortController();
  form.signal.addEventListener("abort", () => asking.abort());
  const later = debounced(async (content) => {
    asking.abort();
    asking = new AbortController();
    aside.setAttribute("aria-busy", "true");
    try {
      form.checked = await post("plan", content, { signal: asking.signal });
      told(form, null);
      cost(aside, form, submit);
    } catch (error) {
      if (calledOff(error)) return;
      form.checked = null;
      const placed = told(form, error);
      cost(aside, form, submit, error, placed);
    }
    aside.removeAttribute("aria-busy");
  }, QUIET);
  return () => {
    const content = clean(form.definition);
    fill(text, h("code", {}, toml(content)));
    form.checked = null;
    cost(aside, form, submit);
    if (!missing(content)) later(content);
    else later.cancel();
  };
}

// empty tables and texts are not part of a definition
function clean(definition) {
  const kept = Object.entries(definition).map(([name, entry]) => [name, isTable(entry) ? tidy(entry) : entry]);
  const axes = Object.entries(definition.axes).map(([name, axis]) => [name, inOrder(axis)]);
  return Object.fromEntries([...kept.filter(([name, entry]) => name !== "axes" && !isNothing(entry)), ["axes", Object.fromEntries(axes)]]);
}

const AXIS = ["spacing", "start", "stop", "values", "unit", "n"];
const inOrder = (axis) => Object.fromEntries(AXIS.filter((key) => axis[key] !== undefined).map((key) => [key, axis[key]]));

const isTable = (entry) => typeof entry === "object" && entry !== null && !Array.isArray(entry);
const isNothing = (entry) => entry === "" || (isTable(entry) && Object.keys(entry).length === 0);
const tidy = (table) => Object.fromEntries(Object.entries(table).filter(([, entry]) => !isNothing(entry)));

async function submit(form, button, wrong) {
  button.disabled = true;
  try {
    const answer = await post("scans", clean(form.definition));
    location.hash = `#/scan/${answer.scan}`;
  } catch (error) {
    wrong.textContent = error.message;
    button.disabled = false;
  }
}

function saveButton(form) {
  return h("button", { type: "button", onclick: () => {
    const url = URL.createObjectURL(new Blob([toml(clean(form.definition))], { type: "application/toml" }));
    const link = h("a", { href: url, download: `${form.checked?.definition.name ?? form.from ?? "scan"}.toml` });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  } }, "Save it");
}
