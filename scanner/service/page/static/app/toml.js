// Definitions as TOML, as they stand in a file.

const BARE = /^[A-Za-z0-9_-]+$/;
const ORDER = ["title", "name", "description", "scenario", "experiments"];

/** A definition as TOML: plain keys first, then its tables. */
export function toml(definition) {
  const keys = [...ORDER.filter((key) => key in definition), ...Object.keys(definition).filter((key) => !ORDER.includes(key))];
  const plain = keys.filter((key) => !isTable(definition[key]));
  const lines = plain.filter((key) => definition[key] !== "").map((key) => `${named(key)} = ${value(definition[key])}`);
  const tables = keys.filter((key) => isTable(definition[key])).flatMap((key) => table(named(key), definition[key]));
  return `${[...lines, ...tables].join("\n")}\n`;
}

const isTable = (entry) => typeof entry === "object" && entry !== null && !Array.isArray(entry);
const named = (key) => (BARE.test(key) ? key : text(key));

function table(path, entries) {
  const plain = Object.entries(entries).filter(([, entry]) => !isTable(entry));
  const inner = Object.entries(entries).filter(([, entry]) => isTable(entry));
  const lines = plain.map(([key, entry]) => `${named(key)} = ${value(entry)}`);
  return [...(lines.length ? ["", `[${path}]`, ...lines] : []), ...inner.flatMap(([key, entry]) => table(`${path}.${named(key)}`, entry))];
}

function value(entry) {
  if (Array.isArray(entry)) return `[${entry.map(value).join(", ")}]`;
  if (typeof entry === "string") return text(entry);
  return String(entry);
}

function text(entry) {
  if (entry.includes("\\") && !/['\u0000-\u001f\u007f]/.test(entry)) return `'${entry}'`;
  return JSON.stringify(entry).replaceAll("\u007f", "\\u007f");
}
