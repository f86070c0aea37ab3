// What is measured between points of a frame, and over a part of it. Points are pixels of the frame, its upper left corner 0;
// spacings are millimetres between rows and between columns. Concepts for reports are coded, and have their meaning in English.

import { t } from "./words.js";

/** Kinds of measurement: how many points each has, how it is called, and the graphic that it is in a report (PS3.3 C.18.6). */
export const KINDS = {
  probe: { name: t("tool.probe"), points: 1, graphic: "POINT" },
  length: { name: t("tool.length"), points: 2, graphic: "POLYLINE" },
  angle: { name: t("tool.angle"), points: 3, graphic: "POLYLINE" },
  ellipse: { name: t("tool.ellipse"), points: 2, graphic: "ELLIPSE", isRegion: true },
  rectangle: { name: t("tool.rectangle"), points: 2, graphic: "POLYLINE", isRegion: true },
};

/** Concepts of what is told (PS3.16 CID 7472 and others). */
const CONCEPTS = {
  length: ["410668003", "SCT", "Length"],
  angle: ["1483009", "SCT", "Angle"],
  area: ["42798000", "SCT", "Area"],
  value: ["246205007", "SCT", "Quantity"],
  mean: ["373098007", "SCT", "Mean"],
  deviation: ["386136009", "SCT", "Standard Deviation"],
  least: ["255605001", "SCT", "Minimum"],
  most: ["56851009", "SCT", "Maximum"],
};
const UNITS = { mm: "mm", "mm²": "mm2", "°": "deg", HU: "[hnsf'U]", px: "{pixels}", "px²": "{pixels}", "": "1" };

/** What a measurement comes to, as `{what, value, unit}`; values of samples only where `slice` has them, with their `padding`. `unit`
 *  is theirs. */
export function resultsOf({ kind, points, value }, spacing, slice, unit) {
  if (kind === "probe") {
    const own = slice ? valueAt(slice, points[0]) : value ?? null;
    return own === null ? [] : [{ what: "value", value: own, unit: unit ?? "" }];
  }
  if (kind === "length") return [lengthBetween(points, spacing)];
  if (kind === "angle") return points.length === 3 ? [{ what: "angle", value: angleAt(points, spacing), unit: "°" }] : [];
  const over = slice ? overRegion(kind, points, slice) : null;
  const ofSamples = over ? Object.entries(over).map(([what, one]) => ({ what, value: one, unit: unit ?? "" })) : [];
  return [areaOf(kind, points, spacing), ...ofSamples];
}

function scaled(points, spacing) {
  const [down, across] = spacing?.millimetres ?? [1, 1];
  return points.map(({ x, y }) => ({ x: x * across, y: y * down }));
}

function lengthBetween(points, spacing) {
  const [from, to] = scaled(points, spacing);
  return { what: "length", value: Math.hypot(to.x - from.x, to.y - from.y), unit: spacing ? "mm" : "px" };
}

/** At the second point, in degrees from 0 to 180. */
function angleAt(points, spacing) {
  const [one, corner, other] = scaled(points, spacing);
  const way = (to) => Math.atan2(to.y - corner.y, to.x - corner.x);
  const turned = Math.abs(way(one) - way(other)) * (180 / Math.PI);
  return turned > 180 ? 360 - turned : turned;
}

function areaOf(kind, points, spacing) {
  const { wide, high } = boxOf(scaled(points, spacing));
  const share = kind === "ellipse" ? Math.PI / 4 : 1;
  return { what: "area", value: wide * high * share, unit: spacing ? "mm²" : "px²" };
}

/** The upright box around two points. */
export function boxOf([one, other]) {
  const [left, top] = [Math.min(one.x, other.x), Math.min(one.y, other.y)];
  return { left, top, wide: Math.abs(one.x - other.x), high: Math.abs(one.y - other.y) };
}

/** The value of the pixel at a point; `null` outside of the frame, and of padding, which means nothing (PS3.3 C.7.5.1.1.2). */
export function valueAt({ samples, columns, rows, slope, offset, padding }, { x, y }) {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  if (column < 0 || row < 0 || column >= columns || row >= rows) return null;
  const sample = samples[row * columns + column];
  return isPadding(sample, padding) ? null : offset + slope * sample;
}

const isPadding = (sample, padding) => padding !== null && sample >= padding[0] && sample <= padding[1];

/** Mean, standard deviation of the pixels (not of a sample of them), least and most of those whose middle lies inside, without padding;
 *  `null` of none. */
function overRegion(kind, points, { samples, columns, rows, slope, offset, padding }) {
  const { left, top, wide, high } = boxOf(points);
  const [middleX, middleY] = [left + wide / 2, top + high / 2];
  const isInside = kind === "ellipse"
    ? (x, y) => ((x - middleX) / (wide / 2)) ** 2 + ((y - middleY) / (high / 2)) ** 2 <= 1
    : () => true;
  const [fromX, toX] = [Math.max(0, Math.ceil(left - 0.5)), Math.min(columns - 1, Math.floor(left + wide - 0.5))];
  const [fromY, toY] = [Math.max(0, Math.ceil(top - 0.5)), Math.min(rows - 1, Math.floor(top + high - 0.5))];
  let [count, sum, squares, low, highest] = [0, 0, 0, Infinity, -Infinity];
  for (let row = fromY; row <= toY; row += 1) {
    for (let column = fromX; column <= toX; column += 1) {
      const sample = samples[row * columns + column];
      if (isPadding(sample, padding) || !isInside(column + 0.5, row + 0.5)) continue;
      count += 1;
      sum += sample;
      squares += sample * sample;
      if (sample < low) low = sample;
      if (sample > highest) highest = sample;
    }
  }
  if (!count) return null;
  // Samples are whole and below 65,536: the sums are exact for any region of a frame.
  const deviation = Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
  const ends = [low, highest].map((sample) => offset + slope * sample);
  return { mean: offset + slope * (sum / count), deviation: Math.abs(slope) * deviation, least: Math.min(...ends), most: Math.max(...ends) };
}

/** What has its name beside it. */
const NAMES = { mean: t("measure.mean"), deviation: t("measure.deviation"), least: t("measure.least"), most: t("measure.most") };

/** As it is written beside a measurement. */
export function resultText({ what, value, unit }) {
  const isFine = ["length", "mean", "deviation"].includes(what) || (Math.abs(value) < 100 && unit !== "HU");
  const number = (Number.isInteger(value) ? String(value) : value.toFixed(isFine ? 1 : 0)).replace("-", "−");
  return `${what in NAMES ? `${NAMES[what]} ` : ""}${number}${unit === "°" ? "°" : unit ? ` ${unit}` : ""}`;
}

/** A measurement as items of a structured report take it (PS3.16 TID 1500): coordinates, and coded values with UCUM units. */
export function forReport({ kind, points, instance, frame, made }, results, spacing) {
  const code = ([value, scheme, meaning]) => ({ value, scheme, meaning });
  return {
    kind,
    sop_instance_uid: instance,
    frame,
    made,
    graphic_type: KINDS[kind].graphic,
    graphic_data: graphicOf(kind, points).flatMap(({ x, y }) => [round(x), round(y)]),
    calibration: spacing?.source ?? null,
    values: results.map(({ what, value, unit }) => ({
      concept: code(CONCEPTS[what]),
      value: round(value),
      unit: { value: UNITS[unit] ?? unit, scheme: "UCUM" },
    })),
  };
}

const round = (value) => Number(value.toFixed(4));

/** Corners of a rectangle, closed; the ends of both axes of an ellipse, the longer first (PS3.3 C.18.6.1.2). */
function graphicOf(kind, points) {
  if (!KINDS[kind].isRegion) return points;
  const { left, top, wide, high } = boxOf(points);
  const [right, bottom, x, y] = [left + wide, top + high, left + wide / 2, top + high / 2];
  if (kind === "rectangle") return [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]].map(([px, py]) => ({ x: px, y: py }));
  const axes = [[{ x: left, y }, { x: right, y }], [{ x, y: top }, { x, y: bottom }]];
  return (wide >= high ? axes : axes.reverse()).flat();
}
