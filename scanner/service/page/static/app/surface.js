// Numbers between the points of a grid, in the scale of its axes.

const scaled = (axis, value) => (axis.logarithmic ? Math.log(value) : value);

/** Place of a value among the coordinates: whole and broken part, null outside. */
function place(axis, value) {
  const at = axis.coordinates;
  const last = at.length - 1;
  const slack = 1e-9 * (at[last] - at[0]);
  if (!(value >= at[0] - slack && value <= at[last] + slack)) return null;
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (at[middle] <= value) low = middle;
    else high = middle;
  }
  const from = scaled(axis, at[low]);
  const to = scaled(axis, at[high]);
  return [low, high === low ? 0 : Math.min(1, Math.max(0, (scaled(axis, value) - from) / (to - from)))];
}

/** Delta chi2 of a surface at a point of its kept axes; null where there is none. */
export function interpolated(surface, at, values = surface.delta_chi2) {
  const places = surface.axes.map((axis) => place(axis, at[axis.name]));
  if (places.some((one) => one === null)) return null;
  return mixed(values, places);
}

function mixed(values, [[low, part], ...rest]) {
  const near = rest.length ? mixed(values[low], rest) : values[low];
  if (part === 0 || near === null) return near;
  const far = rest.length ? mixed(values[low + 1], rest) : values[low + 1];
  return far === null ? null : near + part * (far - near);
}

/** Values over (y, x), as plotly wants them. */
export function turned(values) {
  return values[0].map((_, row) => values.map((column) => column[row]));
}
