// How the header wants the grey of a frame shown (PS3.4 N.2), as far as this page can show it; the server can show all of it.
// The rules are those of the renderer, and the tests hold the pictures of both against each other.

import { nearest, number, numbers, tellsFrames, text, values } from "./header.js";

const VOI_GROUP = "00289132";
const VALUE_GROUP = "00289145";
const LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7";
const FUNCTIONS = { LINEAR_EXACT: "linear_exact", SIGMOID: "sigmoid" };

/** What there is to know of a frame before its samples are here; `null` where the server has to draw it. */
export function greyOf(header, frame) {
  // Wider samples are spread over 16 bits on their way.
  const [bits, photometric] = [number(header, "00280100"), text(header, "00280004")];
  if ((number(header, "00280002") ?? 1) !== 1 || ![8, 16].includes(bits) || !/^MONOCHROME[12]$/.test(photometric ?? "")) return null;
  if (!tellsFrames(header, frame) || hasMore(header)) return null;
  const isSigned = number(header, "00280103") === 1;
  return {
    columns: number(header, "00280011"),
    rows: number(header, "00280010"),
    // PS3.3 C.7.6.3.1.2 and C.11.6.1.2: once, where both say so.
    isInverted: photometric === "MONOCHROME1" || text(header, "20500020") === "INVERSE",
    padding: paddingOf(header, isSigned),
    windows: nearest(header, frame, VOI_GROUP, windowsOf) ?? [],
    hasTable: nearest(header, frame, VOI_GROUP, (place) => (place["00283010"] ? true : null)) ?? false,
    modality: modalityOf(header, frame),
    isFullByte: bits === 8 && number(header, "00280101") === 8 && !isSigned,
  };
}

/** Overlays, a Presentation LUT, colours over the grey, labels that have no averages (PS3.3 C.8.20.2.3): the server draws them. */
function hasMore(header) {
  const isLabels = text(header, "00620001") === "LABELMAP" || text(header, "00080016") === LABEL_MAP;
  if (isLabels) return true;
  const isOverlay = (tag) => /^60[0-9A-F]{2}3000$/i.test(tag);
  return "20500010" in header || "00281101" in header || Object.keys(header).some(isOverlay);
}

/** Slope and intercept; `null` where a table is in their place. */
function modalityOf(header, frame) {
  if (header["00283000"]) return null;
  const near = (tag) => nearest(header, frame, VALUE_GROUP, (place) => number(place, tag));
  return { slope: near("00281053") ?? 1, intercept: near("00281052") ?? 0 };
}

/** The valid windows of one place; `null` where it has none. */
function windowsOf(place) {
  const name = FUNCTIONS[text(place, "00281056")] ?? "linear";
  const widths = numbers(place, "00281051");
  const words = values(place, "00281055");
  const windows = numbers(place, "00281050").map((level, nth) =>
    ({ window: widths[nth] ?? NaN, level, function: name, explanation: words[nth] ?? null }));
  const valid = windows.filter(isValid);
  return valid.length ? valid : null;
}

/** PS3.3 C.11.2.1.2.1, C.11.2.1.3.2. */
function isValid({ window, level, function: name }) {
  return Number.isFinite(level) && Number.isFinite(window) && (name === "linear" ? window >= 1 : window > 0);
}

/** First and last stored value that stand for nothing (PS3.3 C.7.5.1.1.2). */
function paddingOf(header, isSigned) {
  const first = number(header, "00280120");
  if (first === null || Number.isNaN(first)) return null;
  const last = number(header, "00280121") ?? first;
  // Writers disagree on US and SS: the value has the sign of the pixels.
  const stored = (value) => (isSigned && value > 32_767 ? value - 65_536 : !isSigned && value < 0 ? value + 65_536 : value);
  const ends = [stored(first), stored(last)];
  return [Math.min(...ends), Math.max(...ends)];
}

/** The window of the file's own view of `slice`, with `padding` as samples; `null` where the server has to draw it. */
export function fileView(grey, slice) {
  const padding = paddingInSamples(grey, slice);
  if (padding === undefined) return null;
  if (grey.windows.length) return { ...grey.windows[0], padding };
  if (grey.hasTable) return null;
  const isAsItIs = grey.isFullByte && !grey.padding && slice.slope === 1 && slice.offset === 0;
  if (isAsItIs) return { ...windowOfRange(0, 255), padding };
  const [low, high] = slice.range ??= rangeOutside(slice.samples, padding);
  const ends = [low, high].map((sample) => slice.offset + slice.slope * sample);
  return { ...windowOfRange(Math.min(...ends), Math.max(...ends)), padding };
}

/** `null` without padding, `undefined` where nobody can tell which samples it became. */
export function paddingInSamples({ padding, modality }, { slope, offset }) {
  if (!padding) return null;
  if (!modality || modality.slope !== slope) return undefined;
  // Signed samples were raised by half their range, so that they are not signed any more.
  const lowest = Math.round((offset - modality.intercept) / slope);
  const isKnown = [0, -128, -32_768].includes(lowest) && Math.abs(modality.intercept + slope * lowest - offset) < 1e-6 * Math.max(1, Math.abs(offset));
  return isKnown ? padding.map((stored) => stored - lowest) : undefined;
}

/** Lowest and highest sample that is no padding. */
function rangeOutside(samples, padding) {
  const [first, last] = padding ?? [1, 0];
  let [low, high] = [Infinity, -Infinity];
  for (const sample of samples) {
    if (sample >= first && sample <= last) continue;
    if (sample < low) low = sample;
    if (sample > high) high = sample;
  }
  // Where all is padding, all is background.
  return low <= high ? [low, high] : [0, 0];
}

/** The window that shows everything in `slices`, of which each has its `padding`. */
export function windowOfAll(slices) {
  const ends = slices.flatMap(({ slice, padding }) => (slice.range ??= rangeOutside(slice.samples, padding)).map((sample) => slice.offset + slice.slope * sample));
  return windowOfRange(Math.min(...ends), Math.max(...ends));
}

/** The window that shows `low` black and `high` white. */
function windowOfRange(low, high) {
  const [middle, range] = [(low + high) / 2, high - low];
  // The offsets of LINEAR cancel out here; below a range of 1 they would cost digits.
  if (range >= 1 || range <= 0) return { window: range + 1, level: middle + 0.5, function: "linear" };
  return { window: range, level: middle, function: "linear_exact" };
}
