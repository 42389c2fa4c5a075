// What a reader chose to see of a scan; all of it is in the address, so that a view can be shared.

export const LEVELS = [0.6827, 0.9, 0.9545, 0.9973];
export const REFERENCES = [
  ["global", "the best fit of the whole scan"],
  ["sm", "the Standard Model"],
  ["raster", "the best fit at each value of the first axis"],
];

/** Choices of an address; what it does not say is as a journal would print it. */
export function chosen(query, scan) {
  const names = scan.axes.map((axis) => axis.name);
  const several = (name, known, usual) => {
    const given = query.get(name);
    return new Set(given === null ? usual : given.split(",").filter((one) => known.includes(one)));
  };
  const x = names.includes(query.get("x")) ? query.get("x") : names[0];
  const usualY = names.length > 1 ? names.filter((name) => name !== x).at(-1) : "";
  const y = query.get("y") === "none" ? "" : names.includes(query.get("y")) && query.get("y") !== x ? query.get("y") : usualY;
  const levels = (query.get("cl") ?? "90").split(",").map((text) => LEVELS.find((level) => Math.abs(100 * level - Number(text)) < 1e-6));
  return {
    x, y,
    held: held(query, names.filter((name) => name !== x && name !== y)),
    levels: [...new Set(levels.filter(Boolean))].sort(),
    dof: query.has("dof") ? Number(query.get("dof")) : null,
    reference: REFERENCES.some(([name]) => name === query.get("ref")) ? query.get("ref") : "global",
    lines: several("lines", scan.experiments, scan.experiments.length > 1 ? scan.experiments : []),
    together: several("together", scan.experiments, scan.experiments),
    combined: query.get("combined") !== "no",
    overlays: new Set((query.get("overlays") ?? "").split(",").filter(Boolean)),
    at: values(query.get("at"), names),
  };
}

const held = (query, free) => Object.fromEntries(Object.entries(values(query.get("hold"), free) ?? {}));

// "mass:10,coupling:5e-5"
function values(text, names) {
  const pairs = (text ?? "").split(",").map((part) => part.split(":"));
  const found = pairs.filter(([name, value]) => names.includes(name) && value && Number.isFinite(Number(value)));
  return found.length ? Object.fromEntries(found.map(([name, value]) => [name, Number(value)])) : null;
}

const text = (pairs) => Object.entries(pairs ?? {}).map(([name, value]) => `${name}:${value}`).join(",");

/** The address that says these choices; the usual ones are left out. */
export function query(choices, scan) {
  const usual = chosen(new URLSearchParams(), scan);
  const said = new URLSearchParams();
  const put = (name, value, other) => { if (value !== other) said.set(name, value); };
  put("x", choices.x, usual.x);
  put("y", choices.y || "none", (choices.x === usual.x ? usual.y : "") || "none");
  put("hold", text(choices.held), "");
  put("cl", choices.levels.map((level) => Number((100 * level).toFixed(2))).join(","), "90");
  if (choices.dof !== null) said.set("dof", choices.dof);
  put("ref", choices.reference, "global");
  put("lines", [...choices.lines].join(","), [...usual.lines].join(","));
  put("together", [...choices.together].join(","), [...usual.together].join(","));
  put("combined", choices.combined ? "yes" : "no", "yes");
  put("overlays", [...choices.overlays].join(","), "");
  put("at", text(choices.at), "");
  return said;
}

/** Kept axes. */
export const kept = (choices) => (choices.y ? [choices.x, choices.y] : [choices.x]);

/** Degrees of freedom: as many as kept axes unless chosen otherwise. */
export const dofOf = (choices) => choices.dof ?? kept(choices).length;

/** The lines of a figure: of single experiments, and of those that are combined. */
export function lines(choices, scan) {
  const single = scan.experiments.filter((name) => choices.lines.has(name))
    .map((name) => ({ key: name, title: scan.titles[name] ?? name, experiments: [name], number: scan.experiments.indexOf(name) }));
  const together = scan.experiments.filter((name) => choices.together.has(name));
  const all = together.length === scan.experiments.length;
  const alone = together.length === 1 && choices.lines.has(together[0]);
  if (!choices.combined || !together.length || alone) return single;
  const title = together.length === 1 ? scan.titles[together[0]] : all ? "combined" : `combined (${together.length} of ${scan.experiments.length})`;
  return [...single, { key: "combined", title, experiments: all ? [] : together, number: -1 }];
}

/** The question that all answers to a line share. */
export function asked(choices, line) {
  return {
    keep: kept(choices),
    at: Object.entries(choices.held).map(([name, value]) => `${name}=${value}`),
    experiment: line.experiments,
    reference: choices.reference,
  };
}
