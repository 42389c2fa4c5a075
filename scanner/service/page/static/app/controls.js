// What a reader may choose of a scan's figure.

import { LEVELS, REFERENCES, dofOf, kept } from "./choices.js";
import { choice, field, fill, h, keepFocus, tick } from "./dom.js";
import { formula, sentence } from "./mathematics.js";
import { number, percent, quantity, unitText } from "./numbers.js";
import { look, published } from "./theme.js";

/** Put the controls into the element; `changed` is called after each change. */
export function controls(element, state, changed) {
  const { scan, choices } = state;
  const again = () => { keepFocus(() => controls(element, state, changed)); changed(); };
  fill(element,
    group("Lines", lineRows(state, changed)),
    group("Confidence level", LEVELS.map((level) => tick(percent(level), choices.levels.includes(level), (on) => {
      choices.levels = LEVELS.filter((one) => (one === level ? on : choices.levels.includes(one)));
      changed();
    }))),
    group("Statistic", [
      field("Degrees of freedom", choice([["", `as many as axes (${kept(choices).length})`], ["1", "1"], ["2", "2"]],
        choices.dof === null ? "" : String(choices.dof), (value) => { choices.dof = value ? Number(value) : null; changed(); })),
      field("Δχ² counts from", choice(REFERENCES.filter(([name]) => choices.y || name !== "raster"), choices.reference,
        (value) => { choices.reference = value; changed(); })),
    ]),
    scan.axes.length > 1 && group("Axes", axisRows(state, again, changed)),
    h("div", { class: "published" }));
  drawOverlays(element, state, changed);
}

const group = (title, inside) => h("fieldset", {}, h("legend", {}, title), inside);

function lineRows({ scan, choices }, changed) {
  const flip = (set, name) => (on) => {
    if (on) set.add(name);
    else set.delete(name);
    changed();
  };
  const several = scan.experiments.length > 1;
  const rows = scan.experiments.map((name, number) => {
    const title = scan.titles[name] ?? name;
    return h("tr", {},
      h("th", { scope: "row" }, swatch(look({ number }, 0, choices.y ? choices.levels.length : 1)), title),
      h("td", {}, h("input", { type: "checkbox", checked: choices.lines.has(name), "aria-label": `line of ${title}`,
        onchange: (event) => flip(choices.lines, name)(event.target.checked) })),
      several && h("td", {}, h("input", { type: "checkbox", checked: choices.together.has(name), "aria-label": `${title} in the combination`,
        onchange: (event) => flip(choices.together, name)(event.target.checked) })));
  });
  const all = h("tr", {},
    h("th", { scope: "row" }, swatch(look({ number: -1 })), several ? "Combined" : "Black, with shading"),
    h("td", {}, h("input", { type: "checkbox", checked: choices.combined, "aria-label": "line of the combination",
      onchange: (event) => { choices.combined = event.target.checked; changed(); } })), several && h("td"));
  return h("table", { class: "lines" },
    h("thead", {}, h("tr", {}, h("td"), h("th", { scope: "col" }, "line"), several && h("th", { scope: "col" }, "combine"))),
    h("tbody", {}, several ? [...rows, all] : [all]));
}

// a piece of the line as it is drawn
function swatch({ color, width, dash }) {
  const make = (tag, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
    return element;
  };
  const picture = make("svg", { width: 30, height: 8, viewBox: "0 0 30 8", class: "sample", "aria-hidden": "true" });
  picture.append(make("line", { x1: 0, x2: 30, y1: 4, y2: 4, stroke: color, "stroke-width": width,
    "stroke-dasharray": dash === "solid" ? "none" : dash.replaceAll("px", "") }));
  return picture;
}

function axisRows({ scan, choices }, again, changed) {
  const named = scan.axes.map((axis) => [axis.name, axis.name]);
  const x = choice(named, choices.x, (value) => {
    if (value === choices.y) choices.y = choices.x;
    choices.x = value;
    settle(scan, choices);
    again();
  });
  const y = choice([...named.filter(([name]) => name !== choices.x), ["", "none: Δχ² of one parameter"]], choices.y, (value) => {
    choices.y = value;
    settle(scan, choices);
    again();
  });
  const others = scan.axes.filter((axis) => !kept(choices).includes(axis.name));
  return [field("Across", x, { path: "across" }), field("Upwards", y, { path: "upwards" }), others.map((axis) => otherAxis(axis, choices, again, changed))];
}

function settle(scan, choices) {
  for (const name of kept(choices)) delete choices.held[name];
  choices.at = null;
  if (!choices.y && choices.reference === "raster") choices.reference = "global";
}

// an axis that is not kept: profiled, or held at a value
function otherAxis(axis, choices, again, changed) {
  const isHeld = axis.name in choices.held;
  const symbol = axis.latex ? formula(axis.latex) : axis.name;
  const mode = choice([["profile", "profiled: where χ² is least"], ["hold", "held at a value: a slice"]], isHeld ? "hold" : "profile", (value) => {
    if (value === "hold") choices.held[axis.name] = middle(axis);
    else delete choices.held[axis.name];
    again();
  });
  return h("div", { class: "other" }, field([symbol, axis.unit ? ` [${unitText(axis.unit)}]` : ""], mode, { path: `hold ${axis.name}` }), isHeld && slider(axis, choices, changed));
}

const STEPS = 200;
const forth = (axis, part) => (axis.logarithmic ? axis.start * (axis.stop / axis.start) ** part : axis.start + part * (axis.stop - axis.start));
const back = (axis, value) => (axis.logarithmic ? Math.log(value / axis.start) / Math.log(axis.stop / axis.start) : (value - axis.start) / (axis.stop - axis.start));

function middle(axis) {
  if (axis.start <= 0 && axis.stop >= 0) return 0;
  return Number(forth(axis, 0.5).toPrecision(4));
}

function slider(axis, choices, changed) {
  const value = choices.held[axis.name];
  const box = h("input", { type: "text", inputmode: "decimal", value: String(value), "aria-label": `value of ${axis.name}` });
  const bar = h("input", { type: "range", min: "0", max: String(STEPS), value: String(Math.round(STEPS * back(axis, value))),
    "aria-label": `${axis.name} between ${number(axis.start)} and ${number(axis.stop)}` });
  const wrong = h("span", { class: "wrong", role: "alert" });
  const put = (given) => {
    const inside = Number.isFinite(given) && given >= axis.start && given <= axis.stop;
    wrong.textContent = inside ? "" : `give a number from ${number(axis.start)} to ${number(axis.stop)}`;
    if (!inside) return;
    choices.held[axis.name] = given;
    changed();
  };
  bar.addEventListener("input", () => {
    const given = Number(forth(axis, bar.value / STEPS).toPrecision(4));
    box.value = String(given);
    bar.setAttribute("aria-valuetext", quantity(given, axis.unit));
    put(Math.min(axis.stop, Math.max(axis.start, given)));
  });
  box.addEventListener("change", () => {
    put(Number(box.value));
    bar.value = String(Math.round(STEPS * back(axis, Number(box.value))));
  });
  return h("div", { class: "slider" }, bar, box, wrong);
}

/** Published limits of the plane that is shown, as far as they are known yet. */
export function drawOverlays(element, state, changed) {
  const place = element.querySelector(".published");
  const { choices } = state;
  const overlays = state.found?.overlays ?? [];
  if (!place || !choices.y || !overlays.length) {
    if (place) fill(place);
    return;
  }
  const names = overlays.map((one) => one.name);
  const all = names.every((name) => choices.overlays.has(name));
  const open = place.querySelector("details")?.open ?? true;
  fill(place, h("fieldset", {}, h("legend", {}, "Published limits"), h("details", { open }, h("summary", {}, `${overlays.length} hold for this model`),
    tick("all", all, (on) => {
      choices.overlays = new Set(on ? names : []);
      drawOverlays(element, state, changed);
      changed();
    }),
    overlays.map((one, n) => h("div", { class: "limit" },
      tick([h("span", { class: "swatch", colour: published(one, n).edge }), sentence(one.label), one.cl ? `, ${percent(one.cl)}` : ""],
        choices.overlays.has(one.name), (on) => {
          if (on) choices.overlays.add(one.name);
          else choices.overlays.delete(one.name);
          changed();
        }), h("span", { class: "hint" }, one.credit))))));
}

/** Degrees of freedom in use, for captions. */
export const statistic = (choices) => `${dofOf(choices)} degree${dofOf(choices) === 1 ? "" : "s"} of freedom`;
