// The frames of a series in the order in which they are walked.

import { kindOf } from "./documents.js";

/** One entry a slice; a multi-frame instance has one for each of its frames. `kind` says what it is where
 *  that is no picture (`documents.js`); `position` is what the server calls it by, from 1, in its display order; `index` where it is shown: an axial stack from head to feet, so that down leads down. */
export function placesOf(images) {
  let position = 0;
  const inOrder = images.flatMap((image) => {
    const kind = kindOf(image);
    const frames = Array.from({ length: image.frame_count ?? 1 }, (_, nth) => ({ image, frame: nth + 1, kind, position: position += 1 }));
    // What is no picture is one place, whatever it has inside.
    return kind ? [{ image, frame: 1, kind, position: frames[0]?.position ?? 0 }] : frames;
  });
  return fromHeadToFeet(inOrder).map((place, index) => Object.assign(place, { index }));
}

/** Runs that rise to the head are turned around, each by itself: time points stay one after the other. */
function fromHeadToFeet(places) {
  const runs = [];
  for (const place of places) {
    const before = runs.at(-1)?.at(-1);
    if (before && risesTo(before.image, place.image)) runs.at(-1).push(place);
    else runs.push([place]);
  }
  return runs.flatMap((run) => run.reverse());
}

/** Whether both are slices across the axis of the body, in one orientation, and `other` is nearer to the head. */
function risesTo(one, other) {
  const isSlice = ({ image_position: position, image_orientation: cosines, frame_count: frames }) =>
    position && cosines && (frames ?? 1) === 1 && isAxial(cosines);
  const isSame = () => one.image_orientation.every((cosine, nth) => Math.abs(cosine - other.image_orientation[nth]) <= 0.001);
  return isSlice(one) && isSlice(other) && isSame() && other.image_position[2] > one.image_position[2];
}

/** Whether the normal leads to the head or the feet more than anywhere else (PS3.3 C.7.6.2.1.1). */
function isAxial([a, b, c, d, e, f]) {
  const [x, y, z] = [b * f - c * e, c * d - a * f, a * e - b * d].map(Math.abs);
  return z > x && z > y;
}
