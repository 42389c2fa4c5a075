// What a figure of a scan needs, asked of the service.

import { get } from "./api.js";
import { asked, dofOf, kept, lines } from "./choices.js";

const FINE = 400; // points of an axis in the shaded surface
const COARSE = 160; // in those that are only pointed at
const DIGITS = 5;

/** Lines with their surfaces, contours or intervals. */
export async function answers(scan, choices, signal) {
  const partial = scan.phase === "complete" ? null : true;
  const found = await Promise.all(lines(choices, scan).map(async (line) => {
    const how = { ...asked(choices, line), partial };
    const surface = surfaceOf(scan, line, how, signal);
    const more = choices.y ? contours(scan, choices, how, signal) : intervals(scan, choices, how, signal);
    return { ...line, surface: await surface, ...(await more) };
  }));
  return { lines: found, marks: marks(found), overlays: await overlays(scan, choices, signal) };
}

const surfaceOf = (scan, line, how, signal) =>
  get(`scans/${scan.id}/profile`, { ...how, most: line.number < 0 || how.keep.length < 2 ? FINE : COARSE, digits: DIGITS }, signal);

async function contours(scan, choices, how, signal) {
  if (!choices.levels.length) return { contours: [] };
  const plane = await get(`scans/${scan.id}/contour`, { ...how, cl: choices.levels, dof: dofOf(choices) }, signal);
  return { contours: plane.contours, plane };
}

async function intervals(scan, choices, how, signal) {
  const { keep, ...rest } = how;
  const found = await Promise.all(choices.levels.map((cl) =>
    get(`scans/${scan.id}/interval`, { ...rest, parameter: keep[0], cl, dof: dofOf(choices) }, signal)
      .catch((error) => { if (error.status === 422) return { cl, refused: error.message }; throw error; })));
  return { intervals: found };
}

const marks = (found) => (found.at(-1)?.surface.marks ?? {});

/** Published limits of the plane. */
export async function overlays(scan, choices, signal) {
  if (!choices.y) return [];
  return (await get(`scans/${scan.id}/overlays`, { keep: kept(choices) }, signal)).overlays;
}
