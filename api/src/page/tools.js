// What a drag does, by tool: each takes what it drags and gives a function of how far the hand is from where it began.

/** Pixels of a drag that make a window twice as wide, and that move a level by a window: the sensitivity goes by the range shown. */
const PIXELS_PER_WIDTH = 300;
const PIXELS_PER_LEVEL = 400;
/** Below this width the steps of the window are small, too: a PET of 5 wide is no CT. */
const COARSE_WIDTH = 50;
/** A whole series in one stage height, but no slice in fewer pixels than this. */
const PIXELS_PER_SLICE_MIN = 4;
const ZOOM_PER_PIXEL = 1.01;

export const TOOLS = {
  /** To the right: wider, so less contrast. Down: a higher level, so darker. */
  window(viewer) {
    const used = viewer.used();
    const reach = used.window;
    const step = used.window >= COARSE_WIDTH ? 1 : 10 ** Math.floor(Math.log10(reach) - 2);
    // PS3.3 C.11.2.1.2.1 and C.11.2.1.3.2: LINEAR has no window below 1, the others have.
    const least = (used.function ?? "linear") === "linear" ? 1 : step;
    const rounded = (value) => (step === 1 ? Math.round(value) : Number((Math.round(value / step) * step).toPrecision(6)));
    return (dx, dy) => viewer.see({
      function: used.function,
      window: Math.max(least, rounded(used.window + (dx * reach) / PIXELS_PER_WIDTH)),
      level: rounded(used.level + (dy * reach) / PIXELS_PER_LEVEL),
    });
  },

  /** Down: towards the feet, as the wheel goes. */
  scroll(viewer) {
    const from = viewer.at;
    const pixels = Math.max(PIXELS_PER_SLICE_MIN, viewer.stage.height / viewer.places.length);
    return (dx, dy) => viewer.want(from + Math.trunc(dy / pixels));
  },

  pan(viewer) {
    let before = { x: 0, y: 0 };
    return (dx, dy) => {
      viewer.move(dx - before.x, dy - before.y);
      before = { x: dx, y: dy };
    };
  },

  /** Up: larger, around where the hand took hold. */
  zoom(viewer, point) {
    let before = 0;
    return (dx, dy) => {
      viewer.zoom(ZOOM_PER_PIXEL ** (before - dy), point);
      before = dy;
    };
  },
};
