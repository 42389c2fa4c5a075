// The page: which view belongs to the address, and the frame around it.

import { get } from "./api.js";
import { showCatalogue } from "./catalogue.js";
import { fill, h, problem, say } from "./dom.js";
import { showForm } from "./form.js";
import { route } from "./route.js";
import { showScan } from "./scan.js";
import { showScans } from "./scans.js";
import { askForToken } from "./token.js";

const VIEWS = {
  scans: { show: showScans, nav: "scans" },
  scan: { show: showScan, nav: "scans" },
  new: { show: showForm, nav: "new" },
  catalogue: { show: showCatalogue, nav: "catalogue" },
};
const main = document.getElementById("main");
let leave = new AbortController();
let first = true;

function view() {
  leave.abort();
  leave = new AbortController();
  const { path, query } = route();
  const chosen = VIEWS[path[0] ?? "scans"];
  mark(chosen?.nav);
  fill(main);
  window.scrollTo(0, 0);
  if (!chosen) {
    fill(main, h("h1", {}, "There is no such view"), h("p", {}, h("a", { href: "#/" }, "To the scans of this store")));
    return;
  }
  const signal = leave.signal;
  Promise.resolve(chosen.show(main, { path: path.slice(1), query, signal, titled })).catch((error) => {
    if (!signal.aborted) main.append(problem(error, view));
  });
}

function mark(nav) {
  for (const link of document.querySelectorAll("[data-nav]")) {
    if (link.dataset.nav === nav) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/** Name of the view: title of the window, and what is said to those who do not see it change. */
function titled(text) {
  document.title = `${text} · CEvNS scanner`;
  if (!first) {
    say(text);
    main.focus({ preventScroll: true });
  }
  first = false;
}

async function about() {
  const told = await get("").catch(() => null);
  if (!told) return;
  document.getElementById("about").textContent =
    `${told.name} ${told.version}: parameter scans and exclusion limits for coherent elastic neutrino-nucleus scattering.`;
  if (told.access === "token") document.querySelector(".bottom .inner").append(otherToken());
}

// one with another scope, perhaps; the view stays as it is
function otherToken() {
  return h("p", {}, h("button", { type: "button", onclick: () => {
    askForToken("It takes the place of the one in use.").then(() => say("Another token is in use."), () => {});
  } }, "Use another token"));
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // its address would be taken for a view
  main.focus();
  main.scrollIntoView();
});
window.addEventListener("hashchange", view);
window.addEventListener("unhandledrejection", (event) => {
  if (event.reason?.name !== "AbortError") main.append(problem(event.reason ?? new Error("Something went wrong.")));
  event.preventDefault();
});
view();
about();
