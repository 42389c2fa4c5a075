// What can be taken home: figures, numbers, references, the definition, and how a notebook opens the cube.

import { BASE, file } from "./api.js";
import { dofOf, kept } from "./choices.js";
import { fill, h, say, tick } from "./dom.js";
import { ID_DIGITS } from "./scans.js";
import { toml } from "./toml.js";

const FIGURES = [["pdf", "PDF"], ["svg", "SVG"], ["png", "PNG"]];
const EXPORTS = [["csv", "CSV"], ["json", "JSON"], ["hepdata", "HEPData"], ["netcdf", "NetCDF"]];
const SUFFIX = { csv: "csv", json: "json", hepdata: "tar.gz", netcdf: "nc" };

// scans of one name are kept apart in a folder of downloads
const fileName = (scan, suffix) => `${scan.name}-${scan.id.slice(0, ID_DIGITS)}.${suffix}`;

/** Buttons of a scan, for the figure as it is chosen. */
export function downloads(element, state) {
  const told = h("p", { class: "hint", role: "status" });
  const button = (text, work, title) => h("button", { type: "button", title, onclick: (event) => save(event.currentTarget, text, work, told) }, text);
  const { scan } = state;
  let bare = false;
  fill(element,
    h("h2", {}, "Take it home"),
    h("div", { class: "buttons", role: "group", "aria-label": "Figure" }, h("span", {}, "Figure"),
      FIGURES.map(([suffix, text]) => button(text, () => figure(state, suffix, bare), `the figure as chosen above, as ${text}`)),
      tick("without title, for a caption", bare, (ticked) => { bare = ticked; })),
    h("div", { class: "buttons", role: "group", "aria-label": "Numbers" }, h("span", {}, "Numbers"),
      EXPORTS.map(([form, text]) => button(text, () => exported(state, form), form === "netcdf" ? "the whole cube" : "the lines as chosen above"))),
    h("div", { class: "buttons", role: "group", "aria-label": "More" }, h("span", {}, "More"),
      button("BibTeX", () => file(`scans/${scan.id}/references`), "what a result of this scan cites"),
      button("Definition", () => ({ blob: new Blob([toml(written(scan.definition))], { type: "application/toml" }), name: fileName(scan, "toml") }), "TOML, for scanner run")),
    told, snippets(scan));
}

async function save(button, text, work, told) {
  button.disabled = true;
  told.className = "hint";
  told.textContent = `Making ${text} …`;
  try {
    const { blob, name } = await work();
    const url = URL.createObjectURL(blob);
    const link = h("a", { href: url, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
    told.textContent = `${name} is saved.`;
  } catch (error) {
    told.className = "wrong";
    told.textContent = `${text}: ${error.message}`;
  } finally {
    button.disabled = false;
  }
}

function question({ choices }) {
  return {
    keep: kept(choices), cl: choices.levels.length ? choices.levels : null, dof: dofOf(choices), reference: choices.reference,
    at: Object.entries(choices.held).map(([name, value]) => `${name}=${value}`),
    experiment: experiments(choices),
  };
}

const experiments = (choices) => [...new Set([...choices.lines, ...(choices.combined ? choices.together : [])])];

async function figure(state, suffix, bare) {
  const overlay = state.choices.y ? [...state.choices.overlays] : [];
  const found = await file(`scans/${state.scan.id}/figure.${suffix}`, { ...question(state), overlay, bare });
  return { ...found, name: fileName(state.scan, suffix) };
}

async function exported(state, form) {
  const what = form === "netcdf" ? "cube" : state.choices.y ? "contour" : "interval";
  const query = form === "netcdf" ? { format: form } : { ...question(state), format: form, what };
  const found = await file(`scans/${state.scan.id}/export`, query);
  return { ...found, name: found.name || fileName(state.scan, SUFFIX[form]) };
}

/** A resolved definition, as a file has it. */
export function written(definition) {
  const { axes, engine_version, sources, digest, ...rest } = definition;
  const named = Object.fromEntries(axes.map(({ name, ...axis }) => [name, axis]));
  return { ...rest, axes: named };
}

function snippets(scan) {
  const cube = new URL(`scans/${scan.id}/cube.zarr`, BASE).href;
  const home = new URL(".", document.baseURI).href.split("#")[0];
  return h("details", {}, h("summary", {}, "In a notebook"),
    snippet("The cube itself, with xarray", `import xarray as xr\n\ncube = xr.open_zarr("${cube}")\ncube.chi2.sum("experiment").plot()`),
    snippet("Questions, with this package", `import scanner\n\nscan = scanner.connect("${home}").scan("${scan.id}")\nscan.interval("${scan.axes[0]?.name}", cl=0.9)`));
}

function snippet(title, text) {
  const code = h("pre", { tabindex: "0" }, h("code", {}, text));
  const copy = h("button", { type: "button", onclick: async () => {
    try {
      await navigator.clipboard.writeText(text);
      say("copied");
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      copy.textContent = "Selected: copy it with Ctrl+C";
    }
  } }, "Copy");
  return h("div", { class: "snippet" }, h("div", { class: "buttons" }, h("span", {}, title), copy), code);
}
