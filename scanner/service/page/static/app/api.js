// The interface of the service: questions, refusals in words, answers that take longer, events.

import { askForToken, token } from "./token.js";

export const BASE = new URL("api/v1/", document.baseURI);
const PATIENCE = 60; // times that a late answer is asked for again
const MOST_WAIT = 15; // s between two of them

/** A refusal of the service: its status, its kind and what it says. */
export class Refusal extends Error {
  constructor(status, kind, message) {
    super(message);
    this.status = status;
    this.kind = kind;
  }
}

/** Address of a question; values that are null are left out, lists are repeated. */
export function address(path, query = {}) {
  const url = new URL(path, BASE);
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) {
      if (one !== null && one !== undefined && one !== "") url.searchParams.append(name, one);
    }
  }
  return url;
}

/** The answer to a GET, as JSON. */
export async function get(path, query = {}, signal = undefined) {
  return (await ask(address(path, query), { signal })).json();
}

/** The answer to a POST of a definition (an object, or TOML as text), as JSON. */
export async function post(path, content = undefined, { query = {}, signal = undefined } = {}) {
  const toml = typeof content === "string";
  const headers = content === undefined ? {} : { "Content-Type": toml ? "application/toml" : "application/json" };
  const body = toml || content === undefined ? content : JSON.stringify(content);
  return (await ask(address(path, query), { method: "POST", headers, body, signal })).json();
}

/** A file: its bytes and the name it is saved under. */
export async function file(path, query = {}, signal = undefined) {
  const answer = await ask(address(path, query), { signal });
  const named = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "");
  return { blob: await answer.blob(), name: named?.[1] ?? "" };
}

async function ask(url, how) {
  for (let turn = 0; turn < PATIENCE; turn += 1) {
    const shown = token();
    const answer = await sent(url, how, shown);
    if (answer.status === 401) {
      // unless another question was refused before this one, and a new token is there already
      if (token() === shown) await askForToken(await said(answer));
    } else if (answer.status === 202) {
      await pause(waits(answer), how.signal);
    } else if ((answer.status === 429 || answer.status === 503) && answer.headers.has("Retry-After") && turn < 5) {
      await pause(waits(answer), how.signal);
    } else if (answer.ok) {
      return answer;
    } else {
      throw await refusal(answer);
    }
  }
  throw new Refusal(504, "slow", "The answer takes very long: try again in a minute.");
}

async function sent(url, how, shown) {
  const headers = { ...how.headers, ...(shown ? { Authorization: `Bearer ${shown}` } : {}) };
  try {
    return await fetch(url, { ...how, headers, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "unreachable", "The service does not answer: is it running, and are you connected?");
  }
}

const waits = (answer) => Math.min(Number(answer.headers.get("Retry-After")) || 1, MOST_WAIT);

/** Wait for so many seconds, unless it is called off. */
export function pause(seconds, signal = undefined) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("called off", "AbortError"));
    });
  });
}

async function refusal(answer) {
  return new Refusal(answer.status, await kind(answer), await said(answer));
}

async function kind(answer) {
  const record = await answer.clone().json().catch(() => null);
  return record?.error?.kind ?? "error";
}

async function said(answer) {
  const record = await answer.clone().json().catch(() => null);
  return record?.error?.message ?? `The service answers ${answer.status} ${answer.statusText}`;
}

/** Events of a scan until they end: `heard` is called with the data of each. */
export async function events(path, heard, signal) {
  const answer = await ask(address(path), { signal, headers: { Accept: "text/event-stream" } });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value.replaceAll("\r\n", "\n")).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const lines = block.split("\n").filter((line) => line.startsWith("data:"));
      if (lines.length) heard(JSON.parse(lines.map((line) => line.slice(5).trim()).join("\n")));
    }
  }
}

/** Whether an error only says that a question was called off. */
export const calledOff = (error) => error?.name === "AbortError";
