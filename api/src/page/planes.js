// The three planes of a volume: how each is looked at, which ones there are, and where one lies in the patient.
// They go along the axes of the volume and are called by the axes of the patient that these are nearest to. A plane has square pixels.

import { patientOf } from "./volume.js";
import { t } from "./words.js";

const ALONG = 2;
/** How they are looked at, by axes of the patient, which lead to the left, to the back and to the head: what is to the right, what is
 *  below, and where the next plane is. Axial ones are seen from the feet, coronal ones from the front. */
const PLANES = [
  { name: "Axial", normal: 2, right: [0, 1], down: [1, 1], walk: -1 },
  { name: "Coronal", normal: 1, right: [0, 1], down: [2, -1], walk: 1 },
  { name: "Sagittal", normal: 0, right: [1, 1], down: [2, -1], walk: 1 },
];
export const PLANE_NAMES = PLANES.map(({ name }) => name);

/** What each is called, by itself and inside of a sentence, and its pane. */
export const PLANE_UNITS = {
  Axial: { name: t("unit.axial"), inside: t("unit.axial.inside"), pane: t("unit.axial.pane") },
  Coronal: { name: t("unit.coronal"), inside: t("unit.coronal.inside"), pane: t("unit.coronal.pane") },
  Sagittal: { name: t("unit.sagittal"), inside: t("unit.sagittal.inside"), pane: t("unit.sagittal.pane") },
};

/** The planes of a volume, in the order of `PLANE_NAMES`. */
export function planesOf(volume) {
  const named = namedAxes(volume.axes);
  return PLANES.map((plane) => built(volume, plane.name, isAsAcquired(volume, plane, named) ? acquired(plane, named) : looked(plane, named)));
}

/** The axis of the volume for each of the patient, and whether it leads the same way: those that agree the most together. */
function namedAxes(axes) {
  const orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
  const agreement = (order) => order.reduce((sum, axis, ofPatient) => sum + Math.abs(axes[axis][ofPatient]), 0);
  const best = orders.reduce((one, other) => (agreement(other) > agreement(one) + 1e-9 ? other : one));
  return best.map((axis, ofPatient) => ({ axis, sign: axes[axis][ofPatient] < 0 ? -1 : 1 }));
}

const looked = ({ normal, right, down, walk }, named) => {
  const along = ([ofPatient, sign]) => ({ axis: named[ofPatient].axis, sign: sign * named[ofPatient].sign });
  return { right: along(right), down: along(down), walk: along([normal, walk]) };
};

/** Axial slices that are seen from the feet stay as they were made, of a patient who lies on the front, too. */
const isAsAcquired = (volume, { name }, named) => name === "Axial" && named[2].axis === ALONG && volume.axes[ALONG][2] > 0;
const acquired = (plane, named) => ({ ...looked(plane, named), right: { axis: 0, sign: 1 }, down: { axis: 1, sign: 1 } });

function built(volume, name, { right, down, walk }) {
  const { reach, units, spacing } = volume;
  const pixel = Math.min(spacing[right.axis], spacing[down.axis]);
  const pixels = ({ axis }) => ((reach[axis][1] - reach[axis][0]) * units[axis]) / pixel;
  // A millionth of a pixel more is none.
  const whole = (side) => Math.ceil(pixels(side) - 1e-6);
  const middles = positionsOf(volume, walk.axis);
  return {
    name, right, down, axis: walk.axis, pixel,
    columns: whole(right), rows: whole(down),
    /** Where on their axis the planes lie, in the order in which they are walked. */
    positions: walk.sign > 0 ? middles : middles.reverse(),
  };
}

/** Middles of pixels, or the places of slices. */
function positionsOf({ reach, along }, axis) {
  if (axis === ALONG) return [...along];
  const [first, last] = [Math.ceil(reach[axis][0]), Math.floor(reach[axis][1])];
  return Array.from({ length: last - first + 1 }, (_, nth) => first + nth);
}

/** From pixels of a plane, its upper left corner 0, to places of the volume: `corner` + u `right` + v `down`. */
export function layOf({ reach, units }, { right, down, axis, pixel }, position) {
  const corner = [0, 0, 0];
  corner[axis] = position;
  const steps = [right, down].map((side) => {
    corner[side.axis] = reach[side.axis][side.sign > 0 ? 0 : 1];
    const step = [0, 0, 0];
    step[side.axis] = (side.sign * pixel) / units[side.axis];
    return step;
  });
  return { corner, right: steps[0], down: steps[1] };
}

/** A pixel of a plane along its `right` or `down` for a place on the axis of that side, and back. */
export function pixelAt({ reach, units }, { pixel }, { axis, sign }, place) {
  return ((place - reach[axis][sign > 0 ? 0 : 1]) * sign * units[axis]) / pixel;
}
export function placeAt({ reach, units }, { pixel }, { axis, sign }, at) {
  return reach[axis][sign > 0 ? 0 : 1] + (sign * at * pixel) / units[axis];
}

/** The index of what is nearest to `place`. */
export function nearestIndex(positions, place) {
  let best = 0;
  for (const [index, position] of positions.entries()) if (Math.abs(position - place) < Math.abs(positions[best] - place)) best = index;
  return best;
}

/** A plane as if it were a slice of a series: marks, lines and controls take it as one. */
export function placesOfPlane(volume, plane) {
  const { axes, space, header, otherPatient, windows } = volume;
  const { right, down, rows, columns, pixel, positions } = plane;
  const direction = ({ axis, sign }) => axes[axis].map((cosine) => cosine * sign);
  const shared = {
    "00200037": { Value: [...direction(right), ...direction(down)] },
    "00200052": { Value: [space] },
    "00280030": { Value: [pixel, pixel] },
    // Directions of an animal have other letters.
    ...(header?.["00102210"] ? { "00102210": header["00102210"] } : {}),
  };
  const image = { rows, columns, frame_count: 1, other_patient: otherPatient, windows };
  return positions.map((position, index) => {
    const lay = layOf(volume, plane, position);
    const middle = lay.corner.map((value, axis) => value + (lay.right[axis] + lay.down[axis]) / 2);
    return { index, frame: 1, kind: null, image, header: { ...shared, "00200032": { Value: patientOf(volume, middle) } } };
  });
}
