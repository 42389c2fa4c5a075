// Numbers and units as a journal prints them.

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const raised = (text) => [...String(text)].map((mark) => RAISED[mark] ?? mark).join("");

/** A number with so many significant digits: 0.25, 5×10⁻⁵, −10⁶. */
export function number(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const power = Math.floor(Math.log10(Math.abs(value)) + 1e-12);
  if (power >= -3 && power < 5) return minus(String(Number(value.toPrecision(digits))));
  const [factor, exponent] = value.toExponential(digits - 1).split("e");
  const shown = String(Number(factor));
  const ten = `10${raised(Number(exponent))}`;
  if (shown === "1") return ten;
  return shown === "-1" ? `−${ten}` : `${minus(shown)}×${ten}`;
}

const minus = (text) => text.replace("-", "−");

/** A number as one types it: 1e-6; texts stay. */
export function typed(value) {
  if (typeof value !== "number") return value ?? "";
  const size = Math.abs(value);
  return size && (size < 1e-3 || size >= 1e5) ? value.toExponential().replace("e+", "e") : String(value);
}

/** With so many decimals; what is beyond a glance as a power of ten. */
export function fixed(value, decimals = 2) {
  if (value === null || value === undefined) return "–";
  return Math.abs(value) >= LARGE ? number(value, 2) : minus(value.toFixed(decimals));
}

const LARGE = 1e5;
const MOST_DEVIATIONS = 10; // above it the number says no more: nobody knows tails that far

/** Standard deviations. */
export function deviations(value) {
  return value > MOST_DEVIATIONS ? `> ${MOST_DEVIATIONS}` : fixed(value);
}

/** A fraction as a percentage: 0.9545 is 95.45 %. */
export function percent(fraction) {
  return `${Number((100 * fraction).toFixed(4))} %`;
}

/** How many, with thin spaces. */
export function count(value) {
  return Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** A time that somebody waits. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 1) return "under a second";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${number(seconds / 3600, 2)} h`;
  return `${number(seconds / 86400, 2)} days`;
}

/** Bytes in the largest unit that leaves a number above 1. */
export function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let power = 0;
  let left = value;
  while (left >= 1000 && power < units.length - 1) {
    left /= 1000;
    power += 1;
  }
  return `${number(left, 3)} ${units[power]}`;
}

/** Date and minute of an ISO time, in the reader's own zone. */
export function moment(iso) {
  const time = new Date(iso);
  if (!iso || Number.isNaN(time.getTime())) return "";
  return time.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

const UNIT = /^(?:1e([+-]?\d+)\s*)?([A-Za-z]+?)(?:\^?(-?\d+))?$/;
const UNIT_SYMBOLS = { muB: "μ<sub>B</sub>", e: "<i>e</i>", us: "μs", keVee: "keV<sub>ee</sub>", keVnr: "keV<sub>nr</sub>" };

/** Unit as plotly's HTML: 1e-32 cm2 is 10⁻³² cm². */
export function unitMarkup(unit) {
  const found = UNIT.exec(unit);
  if (!found) return unit;
  const [, ten, name, power] = found;
  const shown = (UNIT_SYMBOLS[name] ?? name) + (power ? raised(power) : "");
  return ten ? `10${raised(Number(ten))}\u2009${shown}` : shown;
}

/** Unit as text. */
export function unitText(unit) {
  return unitMarkup(unit).replaceAll(/<[^>]*>/g, "");
}

/** A value with its unit; a power of ten in the unit is multiplied. */
export function quantity(value, unit, digits = 4) {
  if (!unit) return number(value, digits);
  const name = unitText(unit);
  return `${number(value, digits)} ${name.startsWith("10") ? "× " : ""}${name}`;
}
