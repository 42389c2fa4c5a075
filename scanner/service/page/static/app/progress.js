// A scan under way: how far it is, as it happens; stop it, go on with it.

import { calledOff, events, pause, post } from "./api.js";
import { fill, h, say } from "./dom.js";
import { count, duration, percent } from "./numbers.js";
import { PHASES } from "./scans.js";

const FINAL = ["complete", "failed", "cancelled", "incomplete"];
const AGAIN = 3; // s until a stream that broke is opened again
const SETTLES = 5000; // ms after a request in which what is told may still be from before it

/** Show progress in the element until the scan ends: `moving` hears of each part, `ended` of the last phase. */
export async function progress(element, scan, signal, { moving, ended, asked }) {
  const view = made(element, scan, signal, moving);
  view.show({ phase: scan.phase, fraction: scan.fraction });
  let last = scan.phase;
  while (!signal.aborted) {
    try {
      await events(`scans/${scan.id}/events`, (told) => {
        last = told.phase;
        view.show(told);
      }, signal);
      if (last === "complete" || (FINAL.includes(last) && Date.now() > asked() + SETTLES)) break;
    } catch (error) {
      if (calledOff(error)) return;
      view.trouble(error);
      if (error.status === 404 || error.status === 403) return;
    }
    await pause(AGAIN, signal).catch(() => {});
  }
  if (!signal.aborted) {
    say(`The scan is ${PHASES[last] ?? last}`);
    ended(last);
  }
}

function made(element, scan, signal, moving) {
  const bar = h("progress", { max: "1", "aria-label": "part that is done" });
  const title = h("strong", {});
  const told = h("p", { class: "hint" });
  const wrong = h("p", { class: "wrong", role: "alert" });
  const stop = action("Cancel", `scans/${scan.id}/cancel`, wrong);
  const go = action("Resume", `scans/${scan.id}/resume`, wrong);
  fill(element, h("div", { class: "headline" }, h("p", {}, title), h("div", { class: "buttons" }, stop, go)), bar, told, wrong);
  let spoken = -1;
  return {
    show(state) {
      const done = state.points ? state.points_done / state.points : state.fraction ?? 0;
      bar.value = done;
      moving(done);
      title.textContent = `${sentence(state.phase)} ${percent(Math.floor(1000 * done) / 1000)}`;
      told.textContent = details(state);
      wrong.textContent = state.phase === "failed" ? state.message || "The scan failed." : "";
      stop.hidden = !["running", "queued"].includes(state.phase);
      go.hidden = !["incomplete", "failed", "cancelled"].includes(state.phase);
      const tenth = Math.floor(10 * done);
      if (tenth !== spoken) say(`${sentence(state.phase)} ${10 * tenth} percent`);
      spoken = tenth;
    },
    trouble(error) {
      wrong.textContent = error.message;
      stop.hidden = go.hidden = error.status === 404;
    },
    signal,
  };
}

const SENTENCES = { running: "Running:", queued: "Queued: it begins when those before it are done.", failed: "Failed at", incomplete: "Incomplete:", cancelled: "Cancelled at", complete: "Complete:" };
const sentence = (phase) => SENTENCES[phase] ?? phase;

function details(state) {
  return [
    state.stage ?? "",
    state.total ? `${state.done} of ${state.total} chunks` : "",
    state.points ? `${count(state.points_done)} of ${count(state.points)} points` : "",
    state.points_per_second ? `${count(state.points_per_second)} points a second` : "",
    state.eta_seconds ? `about ${duration(state.eta_seconds)} left` : "",
    state.workers ? `${state.workers} worker${state.workers === 1 ? "" : "s"}` : "",
    state.phase !== "failed" && state.message ? state.message : "",
  ].filter(Boolean).join(" · ");
}

function action(text, path, wrong) {
  const button = h("button", { type: "button", onclick: async () => {
    button.disabled = true;
    try {
      await post(path);
      wrong.textContent = "";
      window.dispatchEvent(new Event("asked-again"));
    } catch (error) {
      wrong.textContent = `${text}: ${error.message}`;
    }
    button.disabled = false;
  } }, text);
  return button;
}
