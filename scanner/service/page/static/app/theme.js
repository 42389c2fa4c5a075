// Colours of the figures, in light and in dark; Okabe and Ito's, which colour-blind readers tell apart.

const LIGHT = {
  dark: false,
  lines: ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B37A00", "#2F8FC4"],
  combined: "#000000", ink: "#1b1f24", quiet: "#59636e", grid: "#e3e7eb", paper: "#ffffff",
  excluded: ["rgba(120,142,166,0.34)", "rgba(120,142,166,0.20)"], missing: "#e9e4da",
  bands: ["rgba(120,130,140,0.16)", "rgba(120,130,140,0.26)"],
  stack: ["#c9d3de", "#e0d3b8", "#d3dcc9", "#dccfd8", "#c6dbe0", "#dddddd"],
  preferred: { face: "rgba(11,120,176,0.12)", edge: "#0B78B0", hatch: "x" },
};
const DARK = {
  dark: true,
  lines: ["#5BB0E8", "#F28B4B", "#2FC79A", "#E6A3CA", "#F0BC4A", "#9AD3F5"],
  combined: "#ffffff", ink: "#e6e9ec", quiet: "#a3adb8", grid: "#2b3138", paper: "#14171b",
  excluded: ["rgba(150,170,190,0.34)", "rgba(150,170,190,0.20)"], missing: "#35322c",
  bands: ["rgba(200,210,220,0.10)", "rgba(200,210,220,0.18)"],
  stack: ["#46525f", "#5d5340", "#475240", "#574a54", "#3d5359", "#4d4d4d"],
  preferred: { face: "rgba(91,176,232,0.18)", edge: "#5BB0E8", hatch: "x" },
};

// pale regions of published limits by kind; hatches tell them apart where there is no colour
const KINDS = {
  "fixed targets": ["#A0601F", ""],
  "$e^{+}e^{-}$ colliders": ["#3F7A4A", "/"],
  "$\\nu e$ scattering": ["#6A4A8C", "|"],
  "beam dumps": ["#8A7412", "."],
  LHC: ["#2F6F8F", "\\"],
  CEvNS: ["#9A3F5F", "-"],
  "anomalous moments": ["#555555", "+"],
};
const LIFTED = { "#A0601F": "#D9985A", "#3F7A4A": "#7CC08A", "#6A4A8C": "#B797D6", "#8A7412": "#CDB34A", "#2F6F8F": "#76B7D6", "#9A3F5F": "#DE86A4", "#555555": "#B5B5B5" };

const dark = window.matchMedia("(prefers-color-scheme: dark)");

/** Colours for the light that the reader has. */
export const theme = () => (dark.matches ? DARK : LIGHT);

/** Call when the light changes. */
export function onLight(work, signal) {
  dark.addEventListener("change", work, { signal });
}

export const still = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
export const narrow = () => window.matchMedia("(max-width: 40rem)").matches;

const DASHES = ["8px,2px", "3px,2px", "9px,2px,2px,2px", "5px,2px", "12px,3px", "6px,2px,2px,2px,2px,2px"];
const LEVEL_DASHES = ["solid", "7px,3px", "2px,2.5px", "9px,2px,2px,2px"];

/** Colour and dashes of a line: by experiment, and by level where there are several. */
export function look(line, level = 0, levels = 1) {
  const colours = theme();
  const combined = line.number < 0;
  const own = combined ? "solid" : DASHES[line.number % DASHES.length];
  return {
    color: combined ? colours.combined : colours.lines[line.number % colours.lines.length],
    width: combined ? 2.4 : 1.8,
    dash: levels > 1 ? LEVEL_DASHES[level % LEVEL_DASHES.length] : own,
  };
}

/** Face, edge and hatch of a published limit. */
export function published(overlay, number) {
  if (overlay.shows === "preferred") return theme().preferred;
  const all = Object.values(KINDS);
  const [colour, hatch] = KINDS[overlay.kind] ?? all[number % all.length];
  const edge = theme().dark ? LIFTED[colour] : colour;
  return { face: `${edge}22`, edge, hatch };
}
