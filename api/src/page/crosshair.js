// The crosshair on a plane: each line is where another plane cuts this one.

import { place, placeBack, shape } from "./drawing.js";

/** Pixels of the stage: around the middle nothing is drawn, and a hand takes hold of both lines, or near a line of this one. */
const GAP = 12;
const REACH = 14;
const LINE_REACH = 4;

/** A point of the stage in pixels of the plane. */
export const crossOn = placeBack;

/** What a hand at a point of the stage takes hold of: the sides along which it moves then, or `null`. */
export function nearLine(cross, matrix, point) {
  const middle = place(matrix, cross);
  const [dx, dy] = [Math.abs(point.x - middle.x), Math.abs(point.y - middle.y)];
  if (Math.hypot(dx, dy) <= REACH) return ["right", "down"];
  // Turned by quarters, a line that was upright lies.
  const isOnItsSide = matrix[0] === 0;
  if (dx <= LINE_REACH) return [isOnItsSide ? "down" : "right"];
  if (dy <= LINE_REACH) return [isOnItsSide ? "right" : "down"];
  return null;
}

/** Draws both lines into `drawing`, each called by the plane that it is of: `of.right` is the one across `right`. Beside a line is the
 *  `half` thickness of its slab, in pixels of the plane. */
export function drawCross(drawing, matrix, { width, height }, cross, of, half) {
  for (const old of drawing.querySelectorAll(".cross")) old.remove();
  const line = (name, from, to) => {
    const [one, other] = [from, to].map((end) => place(matrix, end));
    drawing.append(shape("line", { class: `cross ${name}`, x1: one.x, y1: one.y, x2: other.x, y2: other.y }));
  };
  const gap = GAP / Math.hypot(matrix[0], matrix[1]);
  const parts = (middle, length) => [[0, middle - gap], [middle + gap, length]].filter(([from, to]) => to > from);
  for (const [from, to] of parts(cross.y, height)) line(of.right, { x: cross.x, y: from }, { x: cross.x, y: to });
  for (const [from, to] of parts(cross.x, width)) line(of.down, { x: from, y: cross.y }, { x: to, y: cross.y });
  if (!half) return;
  for (const side of [-half, half]) {
    line(`${of.right} slab`, { x: cross.x + side, y: 0 }, { x: cross.x + side, y: height });
    line(`${of.down} slab`, { x: 0, y: cross.y + side }, { x: width, y: cross.y + side });
  }
}
