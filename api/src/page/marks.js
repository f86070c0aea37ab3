// What is drawn at the edges of the picture: where in the patient its sides lie, and how long a centimetre is.

import { cosinesOf } from "./geometry.js";
import { nearest, number, numbers, text, values } from "./header.js";
import { t } from "./words.js";

const MEASURES_GROUP = "00289110";
const DETECTOR_GROUP = "00189504";
/** A direction that leans less than this towards an axis, as a cosine, is not called by it. */
const LEAN_MIN = 0.2;
/** X and y that lead to each side of the stage. */
const SIDES = { left: [-1, 0], right: [1, 0], top: [0, -1], bottom: [0, 1] };
/** A bar is at most this part of the stage. */
const BAR_SHARE = 0.3;
/** The attributes that are read here. */
const READ = [
  "00080022", "00080023", "00080032", "00080033", "00082144", "00102210", "00180050", "00180060", "00180080", "00180081", "00181152", "00181164", "00185101",
  "00200020", "00200032", "00200037", "00200052", "00200060", "00200062", "00280030", "00280A02", "00282110", "00282112", "52009229", "52009230",
];
/** Where spacings are measured, as it is written; what is exported has it as it is. */
const SOURCES = { "Pixel Spacing": t("bar.pixel"), calibrated: t("bar.calibrated"), "at the detector": t("bar.detector") };
const OPPOSITE = { L: "R", R: "L", A: "P", P: "A", H: "F", F: "H" };

/** What of a header is worth keeping: a series of a thousand has a thousand of them. */
export const kept = (header) => Object.fromEntries(READ.filter((tag) => tag in header).map((tag) => [tag, header[tag]]));

/** Letters and bar of `place` as it lies; of a place without the attributes there are none. */
export function mark(parts, place, placement, stage, box) {
  const plane = directionsOf(place);
  for (const [side, [x, y]] of Object.entries(SIDES)) {
    const letters = plane ? lettersTowards(plane, placement.towards(x, y)) : "";
    parts[side].textContent = letters;
  }
  drawBar(parts, place, placement, stage, box);
}

/** The directions of rows and columns, as cosines (PS3.3 C.7.6.2.1.1) or else as letters (C.7.6.1.1.1). */
function directionsOf(place) {
  const { header } = place;
  // Letters of an animal are others.
  if (text(header, "00102210") === "QUADRUPED") return null;
  const cosines = cosinesOf(place);
  if (cosines) return { row: cosines.slice(0, 3), column: cosines.slice(3) };
  const [row, column] = values(header, "00200020");
  const isOfPatient = [row, column].every((letters) => letters && [...letters].every((letter) => letter in OPPOSITE));
  return isOfPatient ? { row, column } : null;
}

/** One of x and y is zero: a picture is turned by quarters. */
function lettersTowards({ row, column }, { x, y }) {
  const [direction, sign] = x ? [row, x] : [column, y];
  if (typeof direction === "string") return sign > 0 ? direction : [...direction].map((letter) => OPPOSITE[letter]).join("");
  // The axes of the patient lead to the left, to the back and to the head (PS3.3 C.7.6.2.1.1).
  const named = ["LR", "PA", "HF"].map((pair, axis) => ({ pair, lean: direction[axis] * sign }));
  return named.filter(({ lean }) => Math.abs(lean) >= LEAN_MIN)
    .sort((one, other) => Math.abs(other.lean) - Math.abs(one.lean))
    .map(({ pair, lean }) => pair[lean > 0 ? 0 : 1]).join("");
}

/** Millimetres between rows and between columns, and where they are measured (PS3.3 10.7.1.3). */
export function spacingOf({ header, frame, image }) {
  const pair = (tag) => (place) => {
    const told = numbers(place, tag);
    return told.length === 2 && told.every((millimetres) => millimetres > 0) ? told : null;
  };
  const isAlone = !(image.frame_count > 1);
  const pixel = header ? nearest(header, frame, MEASURES_GROUP, pair("00280030")) : isAlone ? image.pixel_spacing : null;
  const imager = header ? nearest(header, frame, DETECTOR_GROUP, pair("00181164")) : isAlone ? image.imager_pixel_spacing : null;
  if (!pixel) return imager && { millimetres: imager, source: "at the detector" };
  if (!imager) return { millimetres: pixel, source: "Pixel Spacing" };
  const isCalibrated = text(header, "00280A02") !== null || pixel.some((length, nth) => Math.abs(length - imager[nth]) > 1e-6 * length);
  return { millimetres: pixel, source: isCalibrated ? "calibrated" : "at the detector" };
}

function drawBar(parts, place, placement, stage, box) {
  const spacing = spacingOf(place);
  parts.scale.hidden = !spacing;
  if (!spacing) return;
  const { rows, columns } = place.image;
  const [tall, wide] = spacing.millimetres;
  // The server makes pixels square: then the box has other sides than the frame.
  const onePixel = placement.isOnItsSide ? (tall * rows) / box.height : (wide * columns) / box.width;
  const perMillimetre = placement.scale(stage, box) / onePixel;
  const length = roundLength((stage.width * BAR_SHARE) / perMillimetre);
  parts.bar.style.width = `${length * perMillimetre}px`;
  parts.length.textContent = `${length >= 10 ? `${length / 10} cm` : `${length} mm`} · ${SOURCES[spacing.source]}`;
}

/** The largest of 1, 2 and 5 times a power of ten that is not longer. */
function roundLength(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].map((times) => times * power).find((length) => length <= most) ?? power;
}

/** How long a frame of a cine is shown, in milliseconds, as its file says; `null` without (PS3.3 C.7.6.5.1.1). */
export function frameMilliseconds({ image, header }) {
  const rate = image.display_frame_rate ?? number(header, "00082144");
  return image.frame_time ?? (rate > 0 ? 1000 / rate : null);
}
