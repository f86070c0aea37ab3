// Mouse, wheel and touch on the picture, and the buttons around it.

import { byId } from "./elements.js";
import { listenToKeys } from "./keys.js";

/** A hand that moved less has clicked. */
const DRAG_MIN = 3;
const MIDDLE_BUTTON = 1;
const RIGHT_BUTTON = 2;

/** Lets a user's hands move `viewer`. */
export function listenToHands(viewer) {
  const stage = byId("stage");
  byId("slider").addEventListener("input", (event) => viewer.want(Number(event.target.value) - 1));
  byId("play").addEventListener("click", () => viewer.togglePlay());
  byId("tools").addEventListener("click", ({ target }) => {
    const { tool, act } = target.closest("button")?.dataset ?? {};
    if (tool) viewer.choose(tool);
    if (act) BUTTONS[act](viewer);
  });
  listenToWheel(stage, viewer);
  listenToDrag(stage, viewer);
  listenToKeys(viewer);
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
};

function listenToWheel(stage, viewer) {
  const PIXELS_PER_SLICE = 40;
  const ZOOM_PER_PIXEL = 1.002;
  let rolled = 0;
  stage.addEventListener("wheel", (event) => {
    if (!viewer.place || event.target.closest(".error")) return;
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
function toolOf({ button, shiftKey }, viewer) {
  if (button === MIDDLE_BUTTON || (button === 0 && shiftKey)) return "pan";
  if (button === RIGHT_BUTTON) return "zoom";
  return button === 0 ? viewer.tool : null;
}

function listenToDrag(stage, viewer) {
  let grip = null;
  stage.addEventListener("pointerdown", (event) => {
    stage.focus({ preventScroll: true });
    const tool = toolOf(event, viewer);
    if (!tool || grip || !viewer.canDrag(tool) || event.target.closest(".error")) return;
    if (event.button === MIDDLE_BUTTON) event.preventDefault();
    grip = { x: event.clientX, y: event.clientY, pointer: event.pointerId, drags: viewer.grip(tool, event), isMoved: false };
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
    if (grip.isMoved) viewer.release();
    grip = null;
  };
  stage.addEventListener("pointerup", release);
  stage.addEventListener("pointercancel", release);
}
