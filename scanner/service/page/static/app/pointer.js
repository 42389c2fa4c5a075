// A point of the figure under the mouse, the finger or the arrow keys: what is there is told beside it.

import { fill, h, say } from "./dom.js";
import { formula } from "./mathematics.js";
import { fixed, percent, quantity } from "./numbers.js";
import { interpolated } from "./surface.js";
import { look } from "./theme.js";

const STILL = 6; // pixels that a click may move
const STEPS = 60; // of the arrow keys, across the frame

/** Follow the pointer over a figure of plotly; `picked` is called with the point that is chosen. */
export function follow(frame, element, state, picked) {
  const cross = [h("div", { class: "cross across" }), h("div", { class: "cross down" })];
  const told = h("div", { class: "told", hidden: true });
  frame.append(...cross, told);
  const pointer = { frame, element, state, told, cross, keyed: null };
  let from = null;
  frame.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "touch") show(pointer, at(pointer, event));
  });
  frame.addEventListener("pointerleave", () => hide(pointer));
  frame.addEventListener("pointerdown", (event) => { from = [event.clientX, event.clientY]; });
  window.addEventListener("pointerup", (event) => {
    const still = from && Math.hypot(event.clientX - from[0], event.clientY - from[1]) < STILL;
    const place = still && event.button === 0 && !event.target.closest?.(".modebar") && at(pointer, event);
    from = null;
    if (place) picked(place);
  }, { signal: state.signal });
  frame.addEventListener("keydown", (event) => keyed(pointer, event, picked));
  frame.addEventListener("blur", () => hide(pointer));
}

function axesOf({ element, state }) {
  const full = element._fullLayout;
  if (!full?.xaxis) return null;
  const names = [state.choices.x, state.choices.y].filter(Boolean);
  return { names, x: full.xaxis, y: full.yaxis };
}

function at(pointer, event) {
  const axes = axesOf(pointer);
  if (!axes) return null;
  const box = pointer.element.getBoundingClientRect();
  return value(axes, event.clientX - box.left - axes.x._offset, event.clientY - box.top - axes.y._offset);
}

function value(axes, x, y) {
  if (x < 0 || y < 0 || x > axes.x._length || y > axes.y._length) return null;
  const place = { [axes.names[0]]: precise(axes.x.p2d(x)) };
  if (axes.names[1]) place[axes.names[1]] = precise(axes.y.p2d(y));
  return place;
}

const precise = (number) => Number(Number(number).toPrecision(6));

function keyed(pointer, event, picked) {
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const axes = axesOf(pointer);
  if (event.target !== pointer.frame || !axes) return;
  if (event.key in moves) {
    const [dx, dy] = moves[event.key];
    const step = event.shiftKey ? 5 : 1;
    const old = pointer.keyed ?? { x: 0.5, y: 0.5 };
    const kept = (part) => Math.min(1, Math.max(0, part));
    pointer.keyed = { x: kept(old.x + (dx * step) / STEPS), y: kept(old.y + (dy * step) / STEPS) };
    const place = value(axes, pointer.keyed.x * axes.x._length, pointer.keyed.y * axes.y._length);
    show(pointer, place);
    say(pointer.told.innerText.replaceAll("\n", ", "));
    event.preventDefault();
  } else if ((event.key === "Enter" || event.key === " ") && pointer.keyed) {
    picked(value(axes, pointer.keyed.x * axes.x._length, pointer.keyed.y * axes.y._length));
    event.preventDefault();
  } else if (event.key === "Escape") hide(pointer);
}

function hide(pointer) {
  pointer.told.hidden = true;
  pointer.cross.forEach((one) => one.classList.remove("seen"));
}

function show(pointer, place) {
  const axes = place && axesOf(pointer);
  if (!axes) {
    hide(pointer);
    return;
  }
  const left = axes.x._offset + axes.x.d2p(place[axes.names[0]]);
  const top = axes.names[1] ? axes.y._offset + axes.y.d2p(place[axes.names[1]]) : axes.y._offset;
  lines(pointer, axes, left, top);
  fill(pointer.told, readout(pointer.state, place));
  pointer.told.hidden = false;
  const { offsetWidth: wide, offsetHeight: high } = pointer.told;
  const room = pointer.element.clientWidth;
  put(pointer.told, left + 16 + wide > room ? Math.max(0, left - 16 - wide) : left + 16,
    Math.max(0, top + 16 + high > pointer.element.clientHeight ? top - 16 - high : top + 16));
}

function lines({ cross: [across, down] }, axes, left, top) {
  put(down, left, axes.y._offset);
  down.style.setProperty("height", `${axes.y._length}px`);
  down.classList.add("seen");
  across.classList.toggle("seen", Boolean(axes.names[1]));
  put(across, axes.x._offset, top);
  across.style.setProperty("width", `${axes.x._length}px`);
}

function put(element, left, top) {
  element.style.setProperty("left", `${left}px`);
  element.style.setProperty("top", `${top}px`);
}

// values, then Delta chi2 of each line and at which level it excludes the point
function readout({ scan, choices, found }, place) {
  const shown = Object.entries(place).map(([name, one]) => {
    const axis = scan.axes.find((other) => other.name === name);
    return h("div", { class: "at" }, axis.latex ? formula(axis.latex) : name, " = ", quantity(one, axis.unit));
  });
  const rows = (found?.lines ?? []).map((line) => {
    const delta = interpolated(line.surface, place);
    return h("tr", {},
      h("th", { scope: "row" }, h("span", { class: "dot", colour: look(line).color }), line.title),
      h("td", {}, fixed(delta)),
      h("td", {}, verdict(line, delta, choices)));
  });
  return [...shown, h("table", {}, h("thead", {}, h("tr", {}, h("td"), h("th", { scope: "col" }, "Δχ²"), h("td"))), h("tbody", {}, rows))];
}

function verdict(line, delta, choices) {
  if (delta === null) return "not computed";
  const levels = (choices.y ? line.contours : line.intervals ?? []).filter((one) => !one.refused && one.delta_chi2 !== undefined);
  const beyond = levels.filter((one) => delta > one.delta_chi2).at(-1);
  if (!levels.length) return "";
  return beyond ? `excluded at ${percent(beyond.cl)}` : `allowed at ${percent(levels[0].cl)}`;
}
