// Planes of the series in one pane: the volume that its slices make, the crosshair that the planes share, and how they are seen.
// Start at `follow`. `volume.js` says what a volume is, `planes.js` what lies in it, `reslicer.js` draws, `planeviewer.js` is a pane.

import { paddingInSamples, windowOfAll } from "./grey.js";
import { PlaneViewer } from "./planeviewer.js";
import { PLANE_NAMES, nearestIndex, placesOfPlane, planesOf } from "./planes.js";
import { Reslicer } from "./reslicer.js";
import { volumeOf } from "./volume.js";
import { t } from "./words.js";

const BYTES_PER_SAMPLE = 2;
/** A hand that does nothing for so long rests. */
const REST_MS = 200;
const MEBIBYTE = 1024 * 1024;

export class Mpr {
  /** The viewer whose series it is; `null` while nobody wants planes. */
  source = null;
  volume = null;
  /** Shared by the planes, as a viewer has them. */
  view = { preset: "default" };
  isInverted = false;
  slab = { millimetres: 0, projection: "mean" };
  viewers;
  #desk;
  #reslicer = null;
  /** The frames of the series as they were taken into hand. */
  #places = null;
  /** Slices that the reslicer has, with their padding, by their place in the volume. */
  #put = new Map();
  #refusal = null;
  /** How planes are to be shown once they are there: `at`, `view`, `isInverted`. */
  #wanted = null;
  #own = null;
  #due = 0;
  #resting = 0;

  /** `makePane(name)` makes the elements of a plane's pane; `desk` is what a viewer has. */
  constructor(makePane, desk) {
    this.#desk = desk;
    this.viewers = PLANE_NAMES.map((name) => new PlaneViewer(name, makePane(name), this, desk));
  }

  /** Shows planes of what `source` shows, and of what it will show; `state` is how they were, as `state` has it. */
  open(source, state = null) {
    this.source = source;
    this.#places = null;
    this.#wanted = state;
    this.follow();
  }

  close() {
    this.source = this.#wanted = null;
    this.#forget();
    for (const viewer of this.viewers) viewer.stop();
  }

  /** Where planes lie and how they are seen; `null` where there are none yet, or none at all. */
  get state() {
    const { slab, view, isInverted } = this;
    if (this.isWhole) return { at: this.viewers.map(({ at }) => at), slab, view, isInverted };
    return this.#wanted && { slab, view, isInverted, ...this.#wanted };
  }

  #forget() {
    this.#reslicer?.close();
    this.#places = this.volume = this.#refusal = this.#own = null;
    this.#put.clear();
    for (const viewer of this.viewers) viewer.take([], null);
  }

  /** The source shows something else, or more of its samples are here: once for all that comes within a frame of the screen. */
  follow() {
    if (!this.source) return;
    this.#due ||= requestAnimationFrame(() => {
      this.#due = 0;
      if (this.source) this.#take();
    });
  }

  #take() {
    const { source } = this;
    if (source.places !== this.#places) {
      // Of another series they lie elsewhere.
      if (this.#places) this.#wanted = null;
      this.#forget();
      this.#places = source.places;
      const { view = source.view, isInverted = source.isInverted } = this.#wanted ?? {};
      Object.assign(this, { view: this.#takes(view) ? view : source.view, isInverted });
      for (const viewer of this.viewers) viewer.tellSeries();
    }
    if (this.isWhole || this.#refusal || !source.series) return;
    this.#reslicer ??= Reslicer.make(() => this.#lose());
    if (!this.#reslicer) return this.#refuse(t("mpr.webgl"));
    if (source.isOpening) return this.#tell(t("mpr.headers"), true);
    if (!this.volume) this.#begin();
    if (this.volume) this.#gather();
  }

  #begin() {
    const { volume, refusal } = volumeOf(this.source.places, (place) => this.source.greyOf(place));
    const reason = refusal ?? this.#roomRefused(volume) ?? this.#reslicer.open(volume);
    if (reason) return this.#refuse(reason);
    this.volume = volume;
    for (const [nth, plane] of planesOf(volume).entries()) this.viewers[nth].take(placesOfPlane(volume, plane), plane);
    // Through the slice that was shown, or where they were.
    const shown = volume.places.indexOf(this.source.place);
    if (shown >= 0) this.bring({ 2: volume.along[shown] });
    for (const [nth, index] of (this.#wanted?.at ?? []).entries()) this.viewers[nth].want(index);
    this.#wanted = null;
  }

  /** Whether a view that somebody hands over is one that this server offers. */
  #takes({ window, preset }) {
    return window !== undefined ? this.#desk.isFree() : preset === "default" || this.#desk.offers().some(({ name }) => name === preset);
  }

  #roomRefused({ rows, columns, count }) {
    const [bytes, most] = [rows * columns * count * BYTES_PER_SAMPLE, this.#desk.bytesMax()];
    if (bytes <= most) return null;
    return t("mpr.room", { needed: Math.ceil(bytes / MEBIBYTE), room: Math.floor(most / MEBIBYTE) });
  }

  /** Hands on what has come; a plane is drawn when all of it is here. */
  #gather() {
    const { places, count, columns, rows } = this.volume;
    for (const [nth, place] of places.entries()) {
      if (this.#put.has(nth)) continue;
      const held = this.source.samplesAt(place);
      if (!held) {
        if (!this.source.takes(place)) return this.#refuse(t("mpr.gap", { number: place.index + 1 }));
        continue;
      }
      const padding = paddingInSamples(this.source.greyOf(place), held);
      if (padding === undefined) return this.#refuse(t("mpr.padding", { number: place.index + 1 }));
      if (held.columns !== columns || held.rows !== rows) return this.#refuse(t("mpr.size", { number: place.index + 1 }));
      this.#reslicer.put(nth, held, padding);
      this.#put.set(nth, { slice: held, padding });
    }
    if (!this.isWhole) return this.#tell(t("mpr.gather", { here: this.#put.size, count }), true);
    this.#own = this.#ownWindow();
    // The graphics card has them: what the source drops meanwhile is not kept from here.
    for (const nth of this.#put.keys()) this.#put.set(nth, null);
    this.#tell(null);
    for (const viewer of this.viewers) {
      viewer.start();
      this.#desk.changed(viewer);
      this.#desk.moved(viewer);
    }
  }

  /** Whether every sample is here. */
  get isWhole() { return this.volume !== null && this.#put.size === this.volume.count; }

  #refuse(reason) {
    this.volume = null;
    this.#reslicer?.close();
    for (const viewer of this.viewers) viewer.take([], null);
    this.#refusal = reason;
    this.#tell(reason);
  }

  #tell(sentence, isWaiting = false) {
    for (const viewer of this.viewers) viewer.tell(sentence, isWaiting);
  }

  #lose() {
    this.#reslicer = null;
    this.#put.clear();
    if (this.source) this.#refuse(t("mpr.lost"));
  }

  /** The file's window of the slice in the middle, since a plane goes through many; where it has none, that of all values. */
  #ownWindow() {
    const { places, count } = this.volume;
    const [own] = this.source.greyOf(places[count >> 1]).windows;
    return own ?? windowOfAll([...this.#put.values()]);
  }

  /** The window in use as `{window, level, function}`; `null` while it is not known. */
  used() {
    if (this.view.window !== undefined) return { ...this.view, function: this.view.function ?? "linear" };
    const preset = this.#desk.offers().find(({ name }) => name === this.view.preset);
    return preset ? { window: preset.window, level: preset.level, function: "linear" } : this.#own;
  }

  see(view) { this.#change({ view }); }
  invert() { this.#change({ isInverted: !this.isInverted }); }
  /** Millimetres from side to side, 0 for a plane as thin as it is; `projection` is `mean`, `mip` or `minip`. */
  cut(slab) {
    this.stir();
    this.#change({ slab: { ...this.slab, ...slab } });
  }

  #change(shown) {
    Object.assign(this, shown);
    for (const viewer of this.viewers) {
      viewer.redraw();
      this.#desk.changed(viewer);
    }
  }

  /** Where the crosshair is, as a place of the volume: all planes go through it. */
  get cross() {
    const place = [0, 0, 0];
    for (const { plane, at } of this.viewers) place[plane.axis] = plane.positions[at];
    return place;
  }

  /** Brings the crosshair to these places, by axis. */
  bring(places) {
    for (const [axis, place] of Object.entries(places)) {
      const viewer = this.viewers.find(({ plane }) => plane?.axis === Number(axis));
      if (viewer) viewer.want(nearestIndex(viewer.plane.positions, place));
    }
  }

  /** A plane lies elsewhere: it is drawn anew, and the others have another line. */
  moved(mover) {
    this.stir();
    for (const viewer of this.viewers) viewer.redraw();
    this.#desk.changed(mover);
    this.#desk.moved(mover);
  }

  /** The hand moves something: it is drawn with all care when the hand rests. */
  stir() {
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => {
      this.#resting = 0;
      for (const viewer of this.viewers) viewer.redraw();
    }, REST_MS);
  }

  /** The value at a point of the canvas of a plane, as it was drawn; `null` where nothing is. */
  valueAt(name, { x, y }) { return this.isWhole ? this.#reslicer.valueAt(name, x * devicePixelRatio, y * devicePixelRatio) : null; }

  draw(context, cut, matrix, density) {
    const { projection } = this.slab;
    this.#reslicer.draw(context, { ...cut, projection, isMoving: this.#resting !== 0 }, this.used(), this.volume.isInverted !== this.isInverted, matrix, density);
  }
}
