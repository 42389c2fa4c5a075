// Names written at their lines: each where it is furthest from all other lines and names.

import { theme } from "./theme.js";

const CANDIDATES = 60; // along a line
const EDGE = 0.05; // of the frame, where no name begins

/** Annotations of plotly for lines {label, pieces, colour}, and for marks {at, label}. */
export function labelled(lines, axes, width, marks) {
  const frame = { wide: Math.max(240, width - 90), high: Math.max(240, 0.72 * width) };
  const drawn = lines.map((line) => inside(line.pieces, axes, frame));
  const signs = marks.map((mark) => pixels(mark.at, axes, frame));
  const placed = signs.map((sign) => ({ ...sign, half: 8 }));
  const named = marks.map((mark, number) => nameOf(mark, around(signs[number], mark.label), drawn.flat(), placed, { axes, frame }));
  const written = lines.map((line, number) => nameOf(line, beside(spread(drawn[number])), drawn.filter((_, other) => other !== number).flat(), placed, { axes, frame }));
  return [...named, ...written].filter(Boolean);
}

function nameOf(line, candidates, others, placed, { axes, frame }) {
  const half = 3.4 * plainLength(line.label);
  const best = bestPlace(candidates, others, placed, half, frame);
  if (!best) return null;
  placed.push({ ...best, half });
  return annotation(line, best, axes);
}

const OFF = 13; // pixels of a name beside its line
const beside = (points) => points.flatMap((one) => [0, OFF, -OFF].map((off) => ({ ...one, y: one.y + off, off, aside: 0 })));

// sides of a sign: right, left, above, below, and between them
function around(sign, label) {
  const far = 3.4 * plainLength(label) + 10;
  const sides = [[far, 0], [-far, 0], [0, 19], [0, -19], [0.7 * far, 15], [-0.7 * far, 15], [0.7 * far, -15], [-0.7 * far, -15]];
  return sides.map(([aside, off]) => ({ ...sign, x: sign.x + aside, y: sign.y + off, off, aside }));
}

/** A title without the name that most of them share. */
export const short = (title) => title.replace(/^COHERENT /, "");

const plainLength = (text) => text.replaceAll(/<[^>]*>/g, "").length;

function annotation(line, { at, off, aside }, axes) {
  const place = at.map((value, n) => (axes[n].logarithmic ? Math.log10(value) : value));
  return {
    x: place[0], y: place[1], xref: "x", yref: "y", text: line.label, showarrow: false, captureevents: false,
    xshift: aside, yshift: off,
    font: { size: 12, color: line.colour }, bgcolor: `${theme().paper}d9`, borderpad: 1,
  };
}

function pixels(at, axes, frame) {
  const [x, y] = at.map((value, n) => fraction(axes[n], value));
  return { at, x: x * frame.wide, y: y * frame.high };
}

function fraction(axis, value) {
  const to = axis.logarithmic ? Math.log : (one) => one;
  const low = to(axis.coordinates[0]);
  return (to(value) - low) / (to(axis.coordinates.at(-1)) - low);
}

function inside(pieces, axes, frame) {
  return pieces.flat().map((at) => pixels(at, axes, frame)).filter((one) =>
    one.x >= 0 && one.x <= frame.wide && one.y >= 0 && one.y <= frame.high);
}

const spread = (points) => points.filter((_, n) => n % Math.max(1, Math.floor(points.length / CANDIDATES)) === 0);

function bestPlace(candidates, others, placed, half, frame) {
  let best = null;
  let most = -Infinity;
  const far = spread(others).concat(others.filter((_, n) => n % 7 === 0));
  for (const one of candidates) {
    const margin = Math.min(one.x - half, frame.wide - half - one.x, 3 * (one.y - 8), 3 * (frame.high - 8 - one.y));
    if (margin < EDGE * 40) continue;
    const score = Math.min(clearance(one, far, half), 0.8 * clearance(one, placed, half), 60) - 0.02 * Math.abs(one.x - 0.6 * frame.wide) - 0.1 * Math.abs(one.off);
    if (score > most) [most, best] = [score, one];
  }
  return best;
}

// distance of the name's box from points, in pixels
function clearance(one, points, half) {
  let least = Infinity;
  for (const other of points) {
    const dx = Math.max(0, Math.abs(one.x - other.x) - half - (other.half ?? 0));
    least = Math.min(least, Math.hypot(dx, one.y - other.y));
  }
  return least;
}
