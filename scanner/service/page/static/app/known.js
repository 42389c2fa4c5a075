// What the catalogue knows, asked for once.

import { get } from "./api.js";

const kept = new Map();

/** An answer that stays the same while the page is open; one that failed is asked for again. */
export function once(path) {
  if (!kept.has(path)) {
    const asked = get(path);
    kept.set(path, asked);
    asked.catch(() => kept.delete(path));
  }
  return kept.get(path);
}

/** Titles of experiments by name. */
export async function experimentTitles() {
  return Object.fromEntries((await once("experiments")).map((one) => [one.name, one.title]));
}

/** Titles of scenarios by name. */
export async function scenarioTitles() {
  return Object.fromEntries((await once("scenarios")).map((one) => [one.scenario, one.title]));
}

/** Choices of a parameter whose range is `a | b | c`; null for one that is a number. */
export function choicesOf(parameter) {
  return parameter.role === "choice" ? parameter.range.split(" | ") : null;
}
