// One pane of the viewer as the document has it.

import { byId } from "./elements.js";

/** The elements of a new pane by what they are for; `stage` holds the others. */
export function makePane(name) {
  const stage = byId("pane").content.cloneNode(true).firstElementChild;
  stage.ariaLabel = name;
  const parts = [...stage.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]);
  return { stage, ...Object.fromEntries(parts) };
}
