// Where slices lie in the patient (PS3.3 C.7.6.2.1.1), and where they meet. Lengths are millimetres, places in a picture are
// pixels of the frame, its upper left corner 0.

import { nearest, numbers, text } from "./header.js";

const POSITION_GROUP = "00209113";
const ORIENTATION_GROUP = "00209116";
const MEASURES_GROUP = "00289110";
const FRAME_OF_REFERENCE = "00200052";
/** Cosine of the angle by which slices may differ that lie side by side. */
const PARALLEL_MIN = 0.95;
/** Cosine from which two planes do not meet within a picture. */
const MEETS_MAX = 0.999;

const dot = (one, other) => one[0] * other[0] + one[1] * other[1] + one[2] * other[2];
const minus = (one, other) => one.map((value, axis) => value - other[axis]);
const cross = ([a, b, c], [d, e, f]) => [b * f - c * e, c * d - a * f, a * e - b * d];

/** So many numbers of an attribute, from the nearest place of the header, or as the list of images has them; `null` where neither tells. */
function told({ image, header, frame }, group, tag, count, own) {
  const find = (place) => {
    const found = numbers(place, tag);
    return found.length === count && found.every(Number.isFinite) ? found : null;
  };
  const isAlone = !(image.frame_count > 1);
  return header ? nearest(header, frame, group, find) : isAlone ? own ?? null : null;
}

/** Row and column as directions in the patient, one after the other; `null` where the file does not say. */
export const cosinesOf = (place) => told(place, ORIENTATION_GROUP, "00200037", 6, place.image.image_orientation);

/** Planes that were asked for, with the header that told them. */
const known = new WeakMap();

/** The plane of a place; `null` where its file does not say. `along` is its distance from the origin along its normal. */
export function planeOf(place) {
  const { header = null } = place;
  if (known.get(place)?.header !== header || !known.has(place)) known.set(place, { header, plane: readPlane(place) });
  return known.get(place).plane;
}

function readPlane(place) {
  const { image, header } = place;
  const position = told(place, POSITION_GROUP, "00200032", 3, image.image_position);
  const cosines = cosinesOf(place);
  const spacing = told(place, MEASURES_GROUP, "00280030", 2, image.pixel_spacing);
  if (!position || !cosines) return null;
  const [row, column] = [cosines.slice(0, 3), cosines.slice(3)];
  const normal = cross(row, column);
  const space = image.frame_of_reference_uid ?? text(header, FRAME_OF_REFERENCE);
  return { position, row, column, normal, along: dot(normal, position), spacing, space };
}

/** Whether two planes lie side by side: `1`, or `-1` where their normals are against each other; `0` where they do not. */
export function sameWay(one, other) {
  const cosine = dot(one.normal, other.normal);
  return Math.abs(cosine) < PARALLEL_MIN ? 0 : Math.sign(cosine);
}

/** The line of `other` in the picture of `plane`, as two points on the edges of `columns` by `rows`; `null` without one. */
export function meeting(plane, other, columns, rows) {
  const isApart = !plane.spacing || !plane.space || plane.space !== other.space;
  if (isApart || Math.abs(dot(plane.normal, other.normal)) > MEETS_MAX) return null;
  // Of points that are middles of pixels: a x + b y + c = 0.
  const a = dot(other.normal, plane.row) * plane.spacing[1];
  const b = dot(other.normal, plane.column) * plane.spacing[0];
  const c = dot(other.normal, minus(plane.position, other.position)) - (a + b) / 2;
  const points = [];
  const add = (x, y) => {
    const isInside = x >= 0 && x <= columns && y >= 0 && y <= rows;
    if (isInside && !points.some((point) => Math.hypot(point.x - x, point.y - y) < 1e-6)) points.push({ x, y });
  };
  if (b !== 0) for (const x of [0, columns]) add(x, -(a * x + c) / b);
  if (a !== 0) for (const y of [0, rows]) add(-(b * y + c) / a, y);
  return points.length === 2 ? points : null;
}

/** The index whose plane is nearest to `along` on its own normal; `null` where no plane is known. */
export function nearestTo(planes, along) {
  let best = null;
  for (const [index, plane] of planes.entries()) {
    if (!plane) continue;
    const distance = Math.abs(plane.along - along);
    if (!best || distance < best.distance) best = { index, distance };
  }
  return best?.index ?? null;
}

