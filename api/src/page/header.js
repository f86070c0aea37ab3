// Reading the DICOM JSON of a header (PS3.18 F.2).

const PER_FRAME = "52009230";
const SHARED = "52009229";

/** The values of an attribute; none where it is not there or has none. */
export const values = (place, tag) => place?.[tag]?.Value ?? [];
export const text = (place, tag) => values(place, tag)[0] ?? null;

/** Numbers; decimal strings come as text. `NaN` where one is none. */
export const numbers = (place, tag) => values(place, tag).map((value) => (value === null || value === "" ? NaN : Number(value)));
export const number = (place, tag) => numbers(place, tag)[0] ?? null;

/** Where attributes of a functional group are looked for, the nearest first: that of the frame, the shared one, the top level
 *  (PS3.3 C.7.6.16.1.1). */
export function places(header, frame, group) {
  const ofFrame = values(header, PER_FRAME)[frame - 1];
  const groups = [ofFrame, text(header, SHARED)].map((item) => text(item, group));
  return [...groups, header].filter(Boolean);
}

/** Whether the groups of each frame are told, where there are any. */
export const tellsFrames = (header, frame) => !header[PER_FRAME] || Boolean(values(header, PER_FRAME)[frame - 1]);

/** What `find` makes of the nearest place where it makes anything. */
export function nearest(header, frame, group, find) {
  for (const place of places(header, frame, group)) {
    const found = find(place);
    if (found !== null) return found;
  }
  return null;
}
