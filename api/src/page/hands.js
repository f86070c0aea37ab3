// Mouse, wheel, touch and keyboard on the picture.

import { byId } from "./elements.js";

const STEPS = {
  ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity,
};

/** Lets a user's hands move `viewer`. */
export function listenToHands(viewer) {
  const stage = byId("stage");
  byId("slider").addEventListener("input", (event) => viewer.want(Number(event.target.value) - 1));
  byId("play").addEventListener("click", () => viewer.togglePlay());
  listenToWheel(stage, viewer);
  listenToDrag(stage, viewer);
  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in STEPS) viewer.want(viewer.at + STEPS[event.key]);
    else if (event.key === " ") viewer.togglePlay();
    else if (/^[0-9]$/.test(event.key)) byId("presets").children[Number(event.key)]?.click();
    else return;
    event.preventDefault();
  });
}

function listenToWheel(stage, viewer) {
  const PIXELS_PER_SLICE = 40;
  let rolled = 0;
  stage.addEventListener("wheel", (event) => {
    if (event.ctrlKey || viewer.places.length < 2) return;
    event.preventDefault();
    // A mouse rolls by 100 pixels or by lines at once, a touch pad by a few pixels many times.
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * PIXELS_PER_SLICE;
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

/** To the right: wider, so less contrast. Up: a lower level, so brighter. */
function listenToDrag(stage, viewer) {
  let grip = null;
  let due = 0;
  stage.addEventListener("pointerdown", (event) => {
    stage.focus({ preventScroll: true });
    const used = viewer.used();
    if (event.button !== 0 || !viewer.canWindow || !used || event.target.closest(".error")) return;
    grip = { x: event.clientX, y: event.clientY, used, pointer: event.pointerId };
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!grip || event.pointerId !== grip.pointer) return;
    const [dx, dy] = [event.clientX - grip.x, event.clientY - grip.y];
    if (!viewer.dragging && Math.hypot(dx, dy) < 3) return;
    viewer.dragging = true;
    const { window, level } = grip.used;
    const reach = Math.max(window, 8);
    const view = {
      window: Math.max(1, Math.round(window + (dx * reach) / 300)),
      level: Math.round(level + (dy * reach) / 400),
    };
    cancelAnimationFrame(due);
    due = requestAnimationFrame(() => viewer.see(view));
  });
  const release = () => {
    if (viewer.dragging) viewer.release();
    grip = null;
  };
  stage.addEventListener("pointerup", release);
  stage.addEventListener("pointercancel", release);
}
