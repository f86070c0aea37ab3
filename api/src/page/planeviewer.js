// A pane with a plane through a volume. Hands, keys and controls take it as they take a viewer of slices: its planes are its places.
// Window, slab and crosshair are those of all planes (`mpr.js`); how the picture lies is its own.

import { tellError, tellPatient, tellSeries, tellWindow } from "./captions.js";
import { nearLine, crossOn, drawCross } from "./crosshair.js";
import { lines, say } from "./elements.js";
import { mark } from "./marks.js";
import { HELD, NOTHING, cornerOf, pointOn, sidesOf } from "./pane.js";
import { Placement } from "./placement.js";
import { PLANE_UNITS, layOf, pixelAt, placeAt } from "./planes.js";
import { TOOLS } from "./tools.js";
import { oddities } from "./volume.js";
import { t } from "./words.js";

const PLAY_FRAME_MS = 50;
const REST_MS = 350;
const SLABS = { mean: t("mpr.mean.inside"), mip: t("mpr.mip"), minip: t("mpr.minip") };

export class PlaneViewer {
  /** As `planes.js` and the style sheet call it; `unit` has the words. */
  name;
  /** See `planes.js`; `null` without a volume. */
  plane = null;
  places = [];
  at = 0;
  told = { ...NOTHING };
  dragging = false;
  /** A plane is no frame of a file: nothing is measured on it, and the server cannot draw it. */
  isPlane = true;
  samples = null;
  ofFrame = null;
  path = null;
  #mpr;
  #desk;
  #placement = new Placement();
  #context;
  /** What is said in place of the picture. */
  #sentence = null;
  #isWaiting = false;
  #playing = 0;
  #rest = 0;
  #due = 0;

  constructor(name, parts, mpr, desk) {
    Object.assign(this, { name, parts });
    this.#mpr = mpr;
    this.#desk = desk;
    this.#context = parts.canvas.getContext("2d", { alpha: false });
    parts.stage.classList.add("plane");
    parts.stage.dataset.plane = name.toLowerCase();
    parts.stage.addEventListener("pointermove", (event) => parts.stage.classList.toggle("crossing", Boolean(this.#near(event))));
  }

  get study() { return this.#mpr.source?.study ?? null; }
  get series() { return this.#mpr.source?.series ?? null; }
  get view() { return this.#mpr.view; }
  get isInverted() { return this.#mpr.isInverted; }
  get place() { return this.places[this.at]; }
  get presets() { return this.#desk.offers(); }
  get unit() { return PLANE_UNITS[this.name]; }
  get canWindow() { return this.plane !== null; }
  get isPlaying() { return this.#playing !== 0; }
  get frameMs() { return PLAY_FRAME_MS; }
  get #box() { return { width: this.plane.columns, height: this.plane.rows }; }
  get stage() { return sidesOf(this.parts); }
  get corner() { return cornerOf(this.parts); }

  /** What is drawn, as a file. */
  picture() { return new Promise((taken) => this.parts.canvas.toBlob(taken)); }
  used() { return this.#mpr.isWhole ? this.#mpr.used() : null; }

  /** Takes the planes of a volume into hand, or those of none. */
  take(places, plane) {
    this.stop();
    Object.assign(this, { places, plane, at: places.length >> 1, told: { ...NOTHING } });
    this.#placement.reset();
    for (const part of ["canvas", "marks"]) this.parts[part].hidden = true;
    for (const part of ["window", "slice"]) this.parts[part].textContent = "";
    this.parts.drawing.replaceChildren();
    this.#desk.changed(this);
  }

  tellSeries() {
    if (this.series) tellSeries(this.parts, this);
    else for (const part of ["patient", "series"]) this.parts[part].textContent = "";
  }

  /** Says something in place of the picture, or with `null` nothing any more. */
  tell(sentence, isWaiting) {
    [this.#sentence, this.#isWaiting] = [sentence, isWaiting];
    this.fail(null);
  }

  /** Shows what went wrong; without that, what there is to say. */
  fail(error) {
    const { hint } = this.parts;
    const own = this.#sentence && !this.#isWaiting ? new Error(this.#sentence) : null;
    tellError(this.parts, error ?? own, this.#isWaiting);
    hint.textContent = this.#isWaiting ? this.#sentence : "";
  }

  /** Everything that it shows is here. */
  start() {
    this.tellSeries();
    this.redraw();
  }

  /** Goes to a plane; out of range means the nearest one. */
  want(index) {
    if (!this.places.length) return;
    const next = Math.min(Math.max(index, 0), this.places.length - 1);
    if (next === this.at) return;
    this.at = next;
    this.#mpr.moved(this);
  }

  see(view) { if (this.plane) this.#mpr.see(view); }
  invert() { if (this.plane) this.#mpr.invert(); }
  turn(how) { this.#lay(() => this.#placement.turn(how)); }
  fit() { this.#lay(() => this.#placement.fit()); }
  oneToOne() { this.#lay(() => this.#placement.oneToOne()); }
  move(dx, dy) { this.#lay((stage, box) => this.#placement.move(dx, dy, stage, box)); }
  zoom(factor, point = null) {
    const { left, top } = this.corner;
    const from = ({ width, height }) => (point ? { x: point.clientX - left - width / 2, y: point.clientY - top - height / 2 } : { x: 0, y: 0 });
    this.#lay((stage, box) => this.#placement.zoom(factor, from(stage), stage, box));
  }

  /** Everything as it was opened, but the crosshair. */
  reset() {
    if (!this.plane) return;
    this.#placement.reset();
    if (this.isInverted) this.#mpr.invert();
    this.see({ preset: "default" });
  }

  #lay(change) {
    if (!this.told.place) return;
    change(this.stage, this.#box);
    this.#mpr.stir();
    this.redraw();
  }

  canDrag(tool) {
    if (tool === "window") return this.#desk.isFree() && Boolean(this.used());
    return tool === "scroll" ? this.places.length > 1 : Boolean(this.told.place);
  }

  grip(tool, point) { return TOOLS[tool](this, point); }
  drag(tool, dx, dy) { if (this.canDrag(tool)) this.grip(tool, null)(dx, dy); }
  release() { this.dragging = false; }

  /** What the left button does: it moves the crosshair where it takes hold of it, and is a tool elsewhere; a click brings the crosshair. */
  hold(tool, event) {
    if (!this.told.place) return null;
    const near = this.#near(event);
    const isTool = !near && tool in TOOLS && this.canDrag(tool);
    const drags = near ? this.#drags(near, event) : isTool ? this.grip(tool, event) : () => {};
    if (!near && !(tool in TOOLS)) drags.end = () => say(t("measure.plane"));
    return Object.assign(drags, { click: () => this.#bring(event, ["right", "down"]) });
  }

  /** The crosshair, or one line of it, follows the hand. */
  #drags(sides, { clientX, clientY }) {
    return (dx, dy) => this.#bring({ clientX: clientX + dx, clientY: clientY + dy }, sides);
  }

  #near(event) {
    return this.told.place ? nearLine(this.#crossing(), this.#matrix(), pointOn(this, event)) : null;
  }

  /** Brings the crosshair to where the hand is, along these sides of the plane. */
  #bring(event, sides) {
    const { volume } = this.#mpr;
    const at = crossOn(this.#matrix(), pointOn(this, event));
    const places = sides.map((side) => [this.plane[side].axis, placeAt(volume, this.plane, this.plane[side], side === "right" ? at.x : at.y)]);
    this.#mpr.bring(Object.fromEntries(places));
  }

  /** The crosshair in pixels of the plane. */
  #crossing() {
    const { volume, cross } = this.#mpr;
    const [x, y] = [this.plane.right, this.plane.down].map((side) => pixelAt(volume, this.plane, side, cross[side.axis]));
    return { x, y };
  }

  /** The pixel of the plane under the pointer, and the value that is shown there; `value` is `null` where nothing is. */
  under(event) {
    if (!this.told.place) return null;
    const point = pointOn(this, event);
    return { at: crossOn(this.#matrix(), point), value: this.#mpr.valueAt(this.name, point), unit: this.#mpr.volume?.unit ?? "" };
  }

  #matrix() { return this.#placement.matrix(this.stage, this.#box); }

  togglePlay() {
    if (this.isPlaying) return this.stop();
    if (this.places.length < 2 || !this.#mpr.isWhole) return;
    this.#playing = setInterval(() => document.hidden || this.want((this.at + 1) % this.places.length), this.frameMs);
    this.#desk.changed(this);
  }

  stop() {
    clearInterval(this.#playing);
    this.#playing = 0;
    this.#desk.changed(this);
  }

  /** Draws, once for all that changes within a frame of the screen. */
  redraw() {
    this.#due ||= requestAnimationFrame(() => {
      this.#due = 0;
      if (this.#mpr.isWhole && this.plane) this.#draw();
    });
  }

  #draw() {
    const { canvas, marks } = this.parts;
    const { place, plane } = this;
    // Shown first: what is hidden has no size.
    canvas.hidden = marks.hidden = false;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.max(1, Math.round(side * devicePixelRatio)));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const cut = { name: this.name, lay: layOf(this.#mpr.volume, plane, plane.positions[this.at]), axis: plane.axis, slab: this.#slab() };
    this.#mpr.draw(this.#context, cut, this.#matrix(), devicePixelRatio);
    mark(this.parts, place, this.#placement, this.stage, this.#box);
    this.#drawCross();
    this.#tellDrawn(place);
  }

  /** From where to where the slab goes on the axis of the plane, inside of the volume. */
  #slab() {
    const { volume, slab: { millimetres } } = this.#mpr;
    const { axis, positions } = this.plane;
    const [half, [least, most], middle] = [millimetres / 2 / volume.units[axis], volume.reach[axis], positions[this.at]];
    return [Math.max(least, middle - half), Math.min(most, middle + half)];
  }

  #drawCross() {
    const { viewers, slab } = this.#mpr;
    const named = ({ axis }) => viewers.find(({ plane }) => plane.axis === axis).name.toLowerCase();
    const half = slab.millimetres / 2 / this.plane.pixel;
    drawCross(this.parts.drawing, this.#matrix(), this.#box, this.#crossing(), { right: named(this.plane.right), down: named(this.plane.down) }, half);
  }

  #tellDrawn(place) {
    const { canvas, slice } = this.parts;
    const { volume, slab: { millimetres, projection } } = this.#mpr;
    const [shown, count, thick] = [this.at + 1, this.places.length, millimetres ? `${SLABS[projection]} ${millimetres} mm` : null];
    Object.assign(this.told, { place, window: this.used(), answer: HELD });
    tellPatient(this.parts, this.study, volume.otherPatient);
    tellWindow(this.parts, this.told.window);
    slice.textContent = lines(`${this.unit.name} ${shown} / ${count}`, thick, ...oddities(volume));
    canvas.ariaLabel = t("place.alt", { modality: this.series.modality ?? t("place.image"), unit: this.unit.inside, number: shown, count });
    const { preset, window, level } = this.view;
    canvas.dataset.shown = `${this.name.toLowerCase()}/${shown}/${preset ?? `${window},${level}`}/${thick ?? "plane"}`;
    this.#desk.changed(this);
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => place === this.place && this.#desk.isActive(this) && !this.isPlaying && say(t("place.of", { unit: this.unit.name, number: shown, count })), REST_MS);
  }
}
