// What each key does: the table that listens is the one that the sheet shows.

import { byId, make } from "./elements.js";

/** As far as a hand goes in a drag, for one stroke of a key. */
const DRAG_PIXELS = 20;
const ZOOM_STEP = 1.25;
const BY_ARROW = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

const slice = (steps) => (viewer) => viewer.want(viewer.at + steps);
const preset = (viewer, { key }) => byId("presets").children[Number(key)]?.click();
const drag = (viewer, { key }, { panes, measuring }) => {
  const [dx, dy] = BY_ARROW[key.replace("Shift+", "")].map((way) => way * DRAG_PIXELS);
  if (measuring.isTool(panes.tool)) measuring.nudge(viewer, dx, dy);
  else viewer.drag(panes.tool, dx, dy);
};
const choose = (tool) => (viewer, event, { panes }) => panes.choose(tool);
const choice = (id, step) => (viewer, event, { panes }) => panes.isResliced && panes.chooseCut(id, step);
const arrows = (way, names) => names.map((name) => `${way}Arrow${name}`);

/** `keys` as `nameOf` calls them; `shown` on the sheet, in groups. */
const KEYS = [
  { keys: arrows("", ["Up", "Left"]), shown: "↑ ←", does: "the slice before, towards the head", act: slice(-1) },
  { keys: arrows("", ["Down", "Right"]), shown: "↓ →", does: "the next slice, towards the feet", act: slice(1) },
  { keys: ["PageUp"], shown: "Page ↑", does: "ten slices back", act: slice(-10) },
  { keys: ["PageDown"], shown: "Page ↓", does: "ten slices on", act: slice(10) },
  { keys: ["Home"], shown: "Home", does: "the first slice", act: slice(-Infinity) },
  { keys: ["End"], shown: "End", does: "the last slice", act: slice(Infinity) },
  { keys: [" "], shown: "Space", does: "play and pause, at the pace of the file", act: (viewer) => viewer.togglePlay() },
  { keys: ["0"], shown: "0", does: "the window of the file", act: preset },
  { keys: [..."123456789"], shown: "1 – 9", does: "the presets of the modality", act: preset },
  { keys: ["i"], shown: "I", does: "swap black and white", act: (viewer) => viewer.invert() },
  { keys: ["r"], shown: "R", does: "turn to the right", act: (viewer) => viewer.turn("right") },
  { keys: ["Shift+R"], shown: "Shift R", does: "turn to the left", act: (viewer) => viewer.turn("left") },
  { keys: ["h"], shown: "H", does: "mirror left and right", act: (viewer) => viewer.turn("across") },
  { keys: ["v"], shown: "V", does: "mirror top and bottom", act: (viewer) => viewer.turn("down") },
  { keys: ["+", "=", "Shift++"], shown: "+", does: "larger", act: (viewer) => viewer.zoom(ZOOM_STEP) },
  { keys: ["-"], shown: "−", does: "smaller", act: (viewer) => viewer.zoom(1 / ZOOM_STEP) },
  { keys: ["f"], shown: "F", does: "fit the picture into the view", act: (viewer) => viewer.fit() },
  { keys: ["o"], shown: "O", does: "one to one: each pixel on one of the screen", act: (viewer) => viewer.oneToOne() },
  { keys: ["Backspace"], shown: "Backspace", does: "everything as it was opened, but the slice", act: (viewer) => viewer.reset() },
  { keys: ["w"], shown: "W", does: "drag for window and level", act: choose("window") },
  { keys: ["s"], shown: "S", does: "drag to scroll", act: choose("scroll") },
  { keys: ["p"], shown: "P", does: "drag to move", act: choose("pan") },
  { keys: ["z"], shown: "Z", does: "drag to zoom", act: choose("zoom") },
  { keys: arrows("Shift+", ["Up", "Down", "Left", "Right"]), shown: "Shift ↑ ↓ ← →", does: "what a drag does, without a mouse", act: drag },
  { keys: ["b"], shown: "B", does: "the value of a pixel", act: choose("probe") },
  { keys: ["m"], shown: "M", does: "measure a length", act: choose("length") },
  { keys: ["a"], shown: "A", does: "measure an angle: drag one side, then the other", act: choose("angle") },
  { keys: ["e"], shown: "E", does: "values in an ellipse", act: choose("ellipse") },
  { keys: ["q"], shown: "Q", does: "values in a rectangle", act: choose("rectangle") },
  { keys: ["Enter"], shown: "Enter", does: "put a measurement into the middle", act: (viewer, event, { panes, measuring }) => measuring.put(viewer, panes.tool) },
  { keys: ["Delete"], shown: "Delete", does: "delete the measurement that is chosen", act: (viewer, event, { measuring }) => measuring.remove(viewer) },
  { keys: ["n"], shown: "N", does: "hide or show what is written on the picture", act: () => byId("panes").classList.toggle("bare") },
  { keys: ["t"], shown: "T", does: "the header of the picture", act: () => byId("tags-button").click() },
  { keys: ["l"], shown: "L", does: "panes scroll, zoom and move together, or by themselves", act: (viewer, event, { panes }) => panes.tie(!panes.isTied) },
  { keys: ["x"], shown: "X", does: "axial, coronal and sagittal planes, or the panes as they were", act: (viewer, event, { panes }) => panes.reslice(!panes.isResliced) },
  { keys: ["d"], shown: "D", does: "thicker planes", act: choice("slab", 1) },
  { keys: ["Shift+D"], shown: "Shift D", does: "thinner planes", act: choice("slab", -1) },
  { keys: ["g"], shown: "G", does: "of their thickness the mean, the highest or the lowest", act: choice("projection", 1) },
  { keys: ["?", "Shift+?"], shown: "?", does: "this sheet", act: () => byId("key-sheet").showModal() },
];

const MOUSE = [
  ["Drag", "by the tool: window (right: wider, down: a higher level), scroll, move, zoom or measure; a point that is there moves"],
  ["Click, drag of the crosshair", "in planes: the others go through that place"],
  ["Wheel", "slices: down is towards the feet"],
  ["Middle drag, Shift drag", "move"],
  ["Right drag, Ctrl wheel", "zoom"],
  ["Double click", "fit"],
];

/** Letters by what they write, without Shift where that says nothing else. */
function nameOf({ key, shiftKey }) {
  const name = /^[a-z]$/i.test(key) ? (shiftKey ? key.toUpperCase() : key.toLowerCase()) : key;
  return shiftKey ? `Shift+${name}` : name;
}

/** Keys work while the viewer has the focus (WCAG 2.2, 2.1.4): on the picture, and on everything around it. */
export function listenToKeys(panes, measuring) {
  const acts = new Map(KEYS.flatMap((entry) => entry.keys.map((key) => [key, entry.act])));
  byId("viewer").addEventListener("keydown", (event) => {
    const act = acts.get(nameOf(event));
    if (!act || event.ctrlKey || event.metaKey || event.altKey || isTaken(event)) return;
    event.preventDefault();
    act(panes.active, event, { panes, measuring });
  });
  const row = (shown, does) => make("div", {}, make("dt", {}, make("kbd", { textContent: shown })), make("dd", { textContent: does }));
  byId("key-list").replaceChildren(...KEYS.map(({ shown, does }) => row(shown, does)), ...MOUSE.map(([shown, does]) => row(shown, does)));
  byId("help").addEventListener("click", () => byId("key-sheet").showModal());
}

/** Whether a control has this key for itself. */
function isTaken({ target, key }) {
  if (target.closest("dialog")) return true;
  // Letters choose in a list.
  if (target.tagName === "SELECT") return true;
  if (target.type === "range") return /^(Arrow|Page|Home|End)/.test(key);
  return target.tagName === "BUTTON" && (key === " " || key === "Enter");
}
