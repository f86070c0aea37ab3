// What each key does: the table that listens is the one that the sheet shows.

import { byId, make } from "./elements.js";
import { t } from "./words.js";

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
const press = (act) => () => byId("tools").querySelector(`[data-act=${act}]`).click();
const arrows = (way, names) => names.map((name) => `${way}Arrow${name}`);

/** `keys` as `nameOf` calls them; `shown` on the sheet, in groups. */
const KEYS = [
  { keys: arrows("", ["Up", "Left"]), shown: "↑ ←", does: t("does.before"), act: slice(-1) },
  { keys: arrows("", ["Down", "Right"]), shown: "↓ →", does: t("does.next"), act: slice(1) },
  { keys: ["PageUp"], shown: t("key.page", { key: "↑" }), does: t("does.back"), act: slice(-10) },
  { keys: ["PageDown"], shown: t("key.page", { key: "↓" }), does: t("does.on"), act: slice(10) },
  { keys: ["Home"], shown: t("key.home"), does: t("does.first"), act: slice(-Infinity) },
  { keys: ["End"], shown: t("key.end"), does: t("does.last"), act: slice(Infinity) },
  { keys: [" "], shown: t("key.space"), does: t("does.play"), act: (viewer) => viewer.togglePlay() },
  { keys: ["0"], shown: "0", does: t("does.default"), act: preset },
  { keys: [..."123456789"], shown: "1 – 9", does: t("does.preset"), act: preset },
  { keys: ["i"], shown: "I", does: t("does.invert"), act: (viewer) => viewer.invert() },
  { keys: ["r"], shown: "R", does: t("does.right"), act: (viewer) => viewer.turn("right") },
  { keys: ["Shift+R"], shown: t("key.shift", { key: "R" }), does: t("does.left"), act: (viewer) => viewer.turn("left") },
  { keys: ["h"], shown: "H", does: t("does.across"), act: (viewer) => viewer.turn("across") },
  { keys: ["v"], shown: "V", does: t("does.down"), act: (viewer) => viewer.turn("down") },
  { keys: ["+", "=", "Shift++"], shown: "+", does: t("does.larger"), act: (viewer) => viewer.zoom(ZOOM_STEP) },
  { keys: ["-"], shown: "−", does: t("does.smaller"), act: (viewer) => viewer.zoom(1 / ZOOM_STEP) },
  { keys: ["f"], shown: "F", does: t("does.fit"), act: (viewer) => viewer.fit() },
  { keys: ["o"], shown: "O", does: t("does.one"), act: (viewer) => viewer.oneToOne() },
  { keys: ["Backspace"], shown: t("key.backspace"), does: t("does.reset"), act: (viewer) => viewer.reset() },
  { keys: ["w"], shown: "W", does: t("does.window"), act: choose("window") },
  { keys: ["s"], shown: "S", does: t("does.scroll"), act: choose("scroll") },
  { keys: ["p"], shown: "P", does: t("does.pan"), act: choose("pan") },
  { keys: ["z"], shown: "Z", does: t("does.zoom"), act: choose("zoom") },
  { keys: arrows("Shift+", ["Up", "Down", "Left", "Right"]), shown: t("key.shift", { key: "↑ ↓ ← →" }), does: t("does.drag"), act: drag },
  { keys: ["b"], shown: "B", does: t("does.probe"), act: choose("probe") },
  { keys: ["m"], shown: "M", does: t("does.length"), act: choose("length") },
  { keys: ["a"], shown: "A", does: t("does.angle"), act: choose("angle") },
  { keys: ["e"], shown: "E", does: t("does.ellipse"), act: choose("ellipse") },
  { keys: ["q"], shown: "Q", does: t("does.rectangle"), act: choose("rectangle") },
  { keys: ["Enter"], shown: t("key.enter"), does: t("does.put"), act: (viewer, event, { panes, measuring }) => measuring.put(viewer, panes.tool) },
  { keys: ["Delete"], shown: t("key.delete"), does: t("does.delete"), act: (viewer, event, { measuring }) => measuring.remove(viewer) },
  { keys: ["n"], shown: "N", does: t("does.text"), act: press("words") },
  { keys: ["t"], shown: "T", does: t("does.tags"), act: press("tags") },
  { keys: ["l"], shown: "L", does: t("does.link"), act: (viewer, event, { panes }) => panes.tie(!panes.isTied) },
  { keys: ["x"], shown: "X", does: t("does.mpr"), act: (viewer, event, { panes }) => panes.reslice(!panes.isResliced) },
  { keys: ["d"], shown: "D", does: t("does.thicker"), act: choice("slab", 1) },
  { keys: ["Shift+D"], shown: t("key.shift", { key: "D" }), does: t("does.thinner"), act: choice("slab", -1) },
  { keys: ["g"], shown: "G", does: t("does.projection"), act: choice("projection", 1) },
  { keys: ["?", "Shift+?"], shown: "?", does: t("does.sheet"), act: () => byId("key-sheet").showModal() },
];

const MOUSE = [
  [t("mouse.drag"), t("mouse.drag.does")],
  [t("mouse.cross"), t("mouse.cross.does")],
  [t("mouse.wheel"), t("mouse.wheel.does")],
  [t("mouse.middle"), t("mouse.middle.does")],
  [t("mouse.right"), t("mouse.right.does")],
  [t("mouse.double"), t("mouse.double.does")],
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
