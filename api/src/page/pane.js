// One pane of the viewer as the document has it.

import { byId } from "./elements.js";

/** The elements of a new pane by what they are for; `stage` holds the others. */
export function makePane(name) {
  const stage = byId("pane").content.cloneNode(true).firstElementChild;
  stage.ariaLabel = name;
  const parts = [...stage.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]);
  return { stage, ...Object.fromEntries(parts) };
}

/** How what is held here came. */
export const HELD = { timing: { source: null, stages: [] }, trip: 0, shownBefore: true };
/** What is told of a pane in which nothing is drawn: a viewer's `told`. */
export const NOTHING = { place: null, window: null, answer: null, held: 0 };

/** Width and height of the stage, in pixels of the page. */
export const sidesOf = ({ stage }) => ({ width: stage.clientWidth, height: stage.clientHeight });

/** The upper left corner of the stage in the window. */
export function cornerOf({ stage }) {
  const { left, top } = stage.getBoundingClientRect();
  return { left: left + stage.clientLeft, top: top + stage.clientTop };
}

/** Where a pointer is on the stage. */
export function pointOn({ corner: { left, top } }, { clientX, clientY }) {
  return { x: clientX - left, y: clientY - top };
}
