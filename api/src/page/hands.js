// Mouse, wheel and touch on the picture, and the buttons around it.

import { handOver } from "./dialogs.js";
import { placeBack } from "./drawing.js";
import { byId } from "./elements.js";
import { listenToKeys } from "./keys.js";
import { resultText, valueAt } from "./measures.js";
import { pointOn } from "./pane.js";
import { askBlob } from "./server.js";
import { showTags } from "./tags.js";

/** A hand that moved less has clicked. */
const DRAG_MIN = 3;
/** What has a wheel and a pointer of its own. */
const OWN = ".error, .paper";
const MIDDLE_BUTTON = 1;
const RIGHT_BUTTON = 2;

/** Lets a user's hands move what the panes show. */
export function listenToHands(panes, measuring) {
  byId("slider").addEventListener("input", (event) => panes.active.want(Number(event.target.value) - 1));
  byId("play").addEventListener("click", () => panes.active.togglePlay());
  byId("link").addEventListener("click", () => panes.tie(!panes.isTied));
  byId("mpr").addEventListener("click", () => panes.reslice(!panes.isResliced));
  for (const name of ["slab", "projection"]) byId(name).addEventListener("change", () => panes.cut());
  byId("tools").addEventListener("click", ({ target }) => {
    const { tool, act, layout } = target.closest("button:not(:disabled)")?.dataset ?? {};
    if (tool) panes.choose(tool);
    if (act) BUTTONS[act](panes.active);
    if (layout) panes.lay(layout);
  });
  panes.listen((stage, viewer) => listenToPane(stage, viewer, { panes, measuring }));
  listenToKeys(panes, measuring);
}

function listenToPane(stage, viewer, hands) {
  stage.addEventListener("focus", () => hands.panes.activate(viewer));
  listenToWheel(stage, viewer);
  listenToDrag(stage, viewer, hands);
  listenToPointer(stage, viewer);
  stage.addEventListener("dblclick", () => viewer.fit());
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  new ResizeObserver(() => viewer.redraw()).observe(stage);
}

const BUTTONS = {
  invert: (viewer) => viewer.invert(),
  right: (viewer) => viewer.turn("right"),
  across: (viewer) => viewer.turn("across"),
  down: (viewer) => viewer.turn("down"),
  fit: (viewer) => viewer.fit(),
  one: (viewer) => viewer.oneToOne(),
  reset: (viewer) => viewer.reset(),
  words: () => byId("panes").classList.toggle("bare"),
  tags: (viewer) => viewer.place && showTags(viewer.place).catch((error) => viewer.fail(error)),
  png: (viewer) => takePicture(viewer).catch((error) => viewer.fail(error)),
  original: (viewer) => takeOriginal(viewer).catch((error) => viewer.fail(error)),
  print: () => print(),
};

/** The picture as the server draws it through this window, in its own size. */
async function takePicture(viewer) {
  if (viewer.isPlane && viewer.told.place) handOver(await viewer.picture(), `${viewer.name.toLowerCase()}-${viewer.at + 1}.png`);
  if (!viewer.path) return;
  handOver(await askBlob(viewer.path), `${viewer.series.modality ?? "picture"}-${viewer.at + 1}.png`);
}

/** The file as it is stored. */
async function takeOriginal({ place }) {
  if (!place) return;
  handOver(await askBlob(`dicom/images/${encodeURIComponent(place.image.image_id)}/file`), `${place.image.sop_instance_uid}.dcm`);
}

function listenToWheel(stage, viewer) {
  const PIXELS_PER_SLICE = 40;
  const ZOOM_PER_PIXEL = 1.002;
  let rolled = 0;
  stage.addEventListener("wheel", (event) => {
    if (!viewer.place || event.target.closest(OWN)) return;
    // A mouse rolls by 100 pixels or by lines at once, a touch pad by a few pixels many times.
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * PIXELS_PER_SLICE;
    // A pinch on a touch pad comes as this, too.
    if (event.ctrlKey) {
      event.preventDefault();
      viewer.zoom(ZOOM_PER_PIXEL ** -pixels, event);
      return;
    }
    if (viewer.places.length < 2) return;
    event.preventDefault();
    if (Math.abs(pixels) >= PIXELS_PER_SLICE) {
      rolled = 0;
      viewer.want(viewer.at + Math.sign(pixels));
      return;
    }
    rolled += pixels;
    const steps = Math.trunc(rolled / PIXELS_PER_SLICE);
    rolled -= steps * PIXELS_PER_SLICE;
    if (steps) viewer.want(viewer.at + steps);
  }, { passive: false });
}

/** The tool that this button drags with. */
function toolOf({ button, shiftKey }, panes) {
  if (button === MIDDLE_BUTTON || (button === 0 && shiftKey)) return "pan";
  if (button === RIGHT_BUTTON) return "zoom";
  return button === 0 ? panes.tool : null;
}

/** What a hand that takes hold here moves: a measurement, or what its tool does; `null` for nothing. */
function gripOf(viewer, event, { panes, measuring }) {
  const tool = toolOf(event, panes);
  if (viewer.isPlane && event.button === 0 && !event.shiftKey) return viewer.hold(tool, event);
  const measures = tool === panes.tool ? measuring.grip(viewer, tool, event) : null;
  if (measures || !tool || measuring.isTool(tool)) return measures;
  return viewer.canDrag(tool) ? viewer.grip(tool, event) : null;
}

function listenToDrag(stage, viewer, hands) {
  let grip = null;
  // Two fingers are another thing than one: what the first began ends.
  const letGo = () => {
    if (grip?.isMoved) viewer.release();
    grip?.drags.end?.();
    grip = null;
  };
  listenToPinch(stage, viewer, letGo);
  stage.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch" && !event.isPrimary) return;
    if (!event.target.closest(OWN)) stage.focus({ preventScroll: true });
    const drags = grip || event.target.closest(OWN) ? null : gripOf(viewer, event, hands);
    if (!drags) return;
    if (event.button === MIDDLE_BUTTON) event.preventDefault();
    grip = { x: event.clientX, y: event.clientY, pointer: event.pointerId, drags, isMoved: false };
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!grip || event.pointerId !== grip.pointer) return;
    const [dx, dy] = [event.clientX - grip.x, event.clientY - grip.y];
    if (!grip.isMoved && Math.hypot(dx, dy) < DRAG_MIN) return;
    grip.isMoved = viewer.dragging = true;
    grip.drags(dx, dy);
  });
  const release = (event) => {
    if (event.pointerId !== grip?.pointer) return;
    if (event.type === "pointerup" && !grip.isMoved) grip.drags.click?.();
    letGo();
  };
  stage.addEventListener("pointerup", release);
  stage.addEventListener("pointercancel", release);
}

/** Two fingers zoom around their middle, and move. */
function listenToPinch(stage, viewer, letGo) {
  const fingers = new Map();
  const spread = () => {
    const [one, other] = [...fingers.values()];
    return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2, apart: Math.max(1, Math.hypot(one.x - other.x, one.y - other.y)) };
  };
  stage.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch" || event.target.closest(OWN)) return;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (fingers.size === 2) letGo();
  });
  stage.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    const before = fingers.size === 2 ? spread() : null;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (!before) return;
    const now = spread();
    viewer.move(now.x - before.x, now.y - before.y);
    viewer.zoom(now.apart / before.apart, { clientX: now.x, clientY: now.y });
  });
  const lift = (event) => fingers.delete(event.pointerId);
  stage.addEventListener("pointerup", lift);
  stage.addEventListener("pointercancel", lift);
}

/** The value under the pointer, where the samples are here. */
function listenToPointer(stage, viewer) {
  const tell = (text) => { byId("fact-pointer").textContent = text; };
  stage.addEventListener("pointermove", (event) => {
    const under = viewer.isPlane ? viewer.under(event) : underOf(viewer, event);
    if (!under || under.value === null) return tell("–");
    const { at, value, unit } = under;
    tell(`${Math.floor(at.x)}, ${Math.floor(at.y)}: ${resultText({ what: "value", value, unit })}`);
  });
  stage.addEventListener("pointerleave", () => tell("–"));
}

function underOf(viewer, event) {
  const { ofFrame: matrix, samples } = viewer;
  if (!matrix || !samples) return null;
  const at = placeBack(matrix, pointOn(viewer, event));
  return { at, value: valueAt(samples, at), unit: viewer.told.place.image.unit ?? "" };
}
