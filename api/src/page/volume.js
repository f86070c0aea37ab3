// The volume that parallel slices make together (PS3.3 C.7.6.2.1.1), or the sentence that says why they make none.
// A place in it is `[x, y, z]`: columns and rows counted from the middle of the first pixel of the first slice, and millimetres from
// this slice along the normal. Each slice lies where its file says: neither equal distances nor one line through all are taken for granted.

import { planeOf } from "./geometry.js";
import { t } from "./words.js";

const SLICES_MIN = 3;
/** By which cosines of one orientation may differ, and lengths of one spacing, as a part of them. */
const COSINE_APART_MAX = 1e-3;
const SPACING_APART_MAX = 1e-4;
/** Distances are equal within this part of their mean, or these millimetres. */
const EVEN_PART = 0.01;
const EVEN_MM = 0.01;
/** Of the usual distance: nearer slices are at one place, farther ones have lost what was between them. */
const NEAR_PART = 0.05;
const FAR_PART = 1.9;
/** Pixels by which positions may be off their line as they are written. */
const ROUNDING_PIXELS = 0.01;
const TILT_DEGREES_MAX = 45;
const COLOUR = /^(RGB|YBR|PALETTE)/;

const dot = (one, other) => one[0] * other[0] + one[1] * other[1] + one[2] * other[2];
const minus = (one, other) => one.map((value, axis) => value - other[axis]);
const number = ({ index }) => index + 1;
const isApart = (one, other, most) => one.some((value, nth) => Math.abs(value - other[nth]) > most);

/** `{volume}` of these places, or `{refusal}`; `greyOf(place)` is what is known of its samples, or `null`. */
export function volumeOf(places, greyOf) {
  const slices = places.map((place) => ({ place, image: place.image, grey: greyOf(place), plane: place.kind ? null : planeOf(place) }));
  const refusal = kindRefused(slices) ?? slices.map((slice) => ownRefusal(slice)).find(Boolean)
    ?? slices.map((slice) => otherRefusal(slices[0], slice)).find(Boolean);
  if (refusal) return { refusal };
  const { plane } = slices[0];
  const axes = axesOf(plane);
  // With one normal for all: what is written of it differs in its last digit, which counts far from the origin.
  for (const slice of slices) slice.moved = wayFrom(plane, slice.plane, axes);
  slices.sort((one, other) => one.moved[2] - other.moved[2]);
  const gaps = slices.slice(1).map(({ moved }, nth) => moved[2] - slices[nth].moved[2]);
  const apart = gapsRefused(slices, gaps);
  if (apart) return { refusal: apart };
  const volume = builtOf(slices, gaps, axes);
  if (volume.tilt > TILT_DEGREES_MAX) return { refusal: t("volume.flat") };
  return { volume };
}

/** Rows, columns and normal, each of length one. */
function axesOf({ row, column, normal }) {
  return [row, column, normal].map((axis) => axis.map((cosine) => cosine / Math.hypot(...axis)));
}

/** From one slice to another: columns, rows, and millimetres along the normal. */
function wayFrom({ position, spacing: [tall, wide] }, other, [row, column, normal]) {
  const way = minus(other.position, position);
  return [dot(way, row) / wide, dot(way, column) / tall, dot(way, normal)];
}

function kindRefused(slices) {
  if (slices.some(({ place }) => place.kind)) return t("volume.documents");
  if (slices.some(({ image }) => COLOUR.test(image.photometric_interpretation ?? ""))) return t("volume.colours");
  return slices.length < SLICES_MIN ? t("volume.few", { least: SLICES_MIN, count: slices.length }) : null;
}

/** What a slice lacks by itself. */
function ownRefusal({ place, grey, plane }) {
  if (!plane || !isRightAngled(plane)) return t("volume.placeless", { number: number(place) });
  if (!plane.spacing?.every((millimetres) => millimetres > 0)) return t("volume.scaleless", { number: number(place) });
  const [tall, wide] = plane.spacing;
  if (Math.abs(tall - wide) > SPACING_APART_MAX * wide) return t("volume.oblong");
  return grey ? null : t("volume.served", { number: number(place) });
}

const isRightAngled = ({ row, column }) => [dot(row, row) - 1, dot(column, column) - 1, dot(row, column)].every((off) => Math.abs(off) <= COSINE_APART_MAX);

/** How a slice differs from the first one. */
function otherRefusal(first, slice) {
  const [one, other] = [first.plane, slice.plane];
  const differs = (what) => t("volume.differ", { one: number(first.place), other: number(slice.place), what });
  if (isApart([...one.row, ...one.column], [...other.row, ...other.column], COSINE_APART_MAX)) return differs(t("volume.orientation"));
  if (first.grey.rows !== slice.grey.rows || first.grey.columns !== slice.grey.columns) return differs(t("volume.size"));
  if (isApart(one.spacing, other.spacing, SPACING_APART_MAX * one.spacing[0])) return differs(t("volume.spacing"));
  if (one.space !== other.space) return differs(t("volume.space"));
  if ((first.image.unit ?? "") !== (slice.image.unit ?? "")) return differs(t("volume.unit"));
  if (first.grey.isInverted !== slice.grey.isInverted) return differs(t("volume.white"));
  const patients = [first, slice].map(({ image }) => JSON.stringify(image.other_patient ?? null));
  return patients[0] === patients[1] ? null : differs(t("volume.patient"));
}

function gapsRefused(slices, gaps) {
  const usual = [...gaps].sort((one, other) => one - other)[gaps.length >> 1];
  const between = (nth) => {
    const [one, other] = [slices[nth], slices[nth + 1]].map(({ place }) => number(place)).sort((a, b) => a - b);
    return { one, other };
  };
  const near = gaps.findIndex((gap) => gap <= Math.max(EVEN_MM, NEAR_PART * usual));
  if (near >= 0) return t("volume.near", between(near));
  const far = gaps.findIndex((gap) => gap > FAR_PART * usual);
  if (far >= 0) return t("volume.far", { ...between(far), gap: millimetres(gaps[far]), usual: millimetres(usual) });
  return null;
}

const millimetres = (value) => String(Number(value.toFixed(2)));

function builtOf(slices, gaps, axes) {
  const [{ plane, grey, image, place, moved: start }] = slices;
  const { position: origin, spacing: [tall, wide], space } = plane;
  const moved = slices.map((slice) => slice.moved.map((value, axis) => value - start[axis]));
  const isStraight = moved.every(([x, y]) => Math.hypot(x, y) <= ROUNDING_PIXELS);
  const along = moved.map(([, , z]) => z);
  const shifts = moved.map(([x, y]) => (isStraight ? [0, 0] : [x, y]));
  const [last, length] = [shifts.at(-1), along.at(-1)];
  const mean = length / gaps.length;
  const [least, most] = [Math.min(...gaps), Math.max(...gaps)];
  const ends = (axis) => [Math.min(...shifts.map((shift) => shift[axis])), Math.max(...shifts.map((shift) => shift[axis]))];
  const [[left, right], [top, bottom]] = [ends(0), ends(1)];
  return {
    places: slices.map((slice) => slice.place),
    rows: grey.rows, columns: grey.columns, count: slices.length,
    origin, axes, along, shifts, space,
    /** Millimetres for one of each coordinate, and between samples. */
    units: [wide, tall, 1],
    spacing: [wide, tall, mean],
    /** From where to where there are samples: half a pixel, and half a distance, beyond the middles of the outermost. */
    reach: [[left - 0.5, right + grey.columns - 0.5], [top - 0.5, bottom + grey.rows - 0.5], [-gaps[0] / 2, length + gaps.at(-1) / 2]],
    gaps: [least, most],
    isEven: most - mean <= Math.max(EVEN_MM, EVEN_PART * mean) && mean - least <= Math.max(EVEN_MM, EVEN_PART * mean),
    tilt: Math.atan2(Math.hypot(last[0] * wide, last[1] * tall), length) * (180 / Math.PI),
    windows: slices[slices.length >> 1].image.windows,
    unit: image.unit ?? "", isInverted: grey.isInverted, otherPatient: image.other_patient ?? null, header: place.header,
  };
}

/** A place of the volume in the patient, in millimetres. */
export function patientOf({ origin, axes, units }, place) {
  return origin.map((value, axis) => value + place.reduce((sum, one, nth) => sum + one * units[nth] * axes[nth][axis], 0));
}

/** What is to be known of a volume that is not quite regular; none of one that is. */
export function oddities({ isEven, gaps, tilt, shifts }) {
  const isMoved = shifts.some((shift) => shift.some(Boolean));
  const [least, most] = gaps.map(millimetres);
  return [
    isEven ? null : t("volume.uneven", { least, most }),
    isMoved ? (tilt >= 0.05 ? t("volume.tilt", { degrees: tilt.toFixed(1) }) : t("volume.moved")) : null,
  ].filter(Boolean);
}
