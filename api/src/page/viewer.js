// The viewer: which slice of which series is seen through which window, and how it lies.
// What is drawn comes from the stack, here and at once, or from the server, which can draw everything.

import { byId, say, showError } from "./elements.js";
import { fileView } from "./grey.js";
import { offerPresets, pressPreset, tellHeld, tellIndex, tellPatient, tellPlaying, tellSeries, tellSlice, tellTiming, tellWindow } from "./labels.js";
import { Loader } from "./loader.js";
import { frameMilliseconds, mark } from "./marks.js";
import { Placement } from "./placement.js";
import { placesOf } from "./places.js";
import { Screen } from "./screen.js";
import { askJson } from "./server.js";
import { Stack } from "./stack.js";
import { TOOLS } from "./tools.js";

const COLOUR = /^(RGB|YBR|PALETTE)/;
const PREFETCH_REACH = 6;
const PLAY_FRAME_MS = 50;
const PLAY_FRAME_MS_MIN = 10;
const PLAY_FRAME_MS_MAX = 2_000;
/** A picture that stays this long is rested on. */
const REST_MS = 350;
/** Pictures beyond this many pixels are asked for in the size of the screen. */
const WHOLE_PIXELS_MAX = 2_500_000;
const HELD = { timing: { source: null, stages: [] }, trip: 0, shownBefore: true };

export class Viewer {
  /** Every preset that the server offers. */
  presets = [];
  /** Whether windows without a name may be looked through on this server. */
  areWindowsFree = true;
  study = null;
  series = null;
  /** See `places.js`. */
  places = [];
  at = 0;
  /** `{preset}` or `{window, level}`, the latter with a `function` or the linear one. */
  view = { preset: "default" };
  tool = "window";
  isInverted = false;
  /** While a hand drags the window, every picture has another window: nothing is worth fetching ahead. */
  dragging = false;
  #direction = 1;
  #rest = 0;
  #asking = 0;
  /** Pictures of the server are decoded apart: an older one that is ready later is not drawn. */
  #decoded = { asked: 0, drawn: 0 };
  #playing = 0;
  #due = 0;
  /** What is drawn: the element, the place and the sides of its picture. */
  #drawn = null;
  #placement = new Placement();
  #screen = Screen.on(byId("canvas"));
  #stack = new Stack((place) => {
    tellHeld(this.#stack.count, this.places);
    if (place === this.place) this.#show();
  });
  #loader = new Loader({
    wish: () => this.#wish(),
    isWaiting: () => Boolean(this.place) && !this.#held(),
    draw: (wish, picture) => this.#drawOfServer(wish, picture),
    fail: showError,
    ahead: () => this.#ahead(),
  });

  constructor() {
    // The browser may take the graphics card away: from then on the server draws.
    byId("canvas").addEventListener("webglcontextlost", () => {
      this.#screen = null;
      this.#stack.close();
      this.#show();
    });
  }

  open(study, series, images) {
    this.#loader.abortAll();
    this.#stack.close();
    this.#screen?.clear();
    Object.assign(this, { study, series, view: { preset: "default" }, isInverted: false, places: placesOf(images) });
    this.#placement.reset();
    this.#drawn = null;
    // A stack opens in its middle, a cine at its start.
    this.at = images.length === 1 ? 0 : Math.floor((this.places.length - 1) / 2);
    byId("viewer").classList.remove("idle");
    for (const id of ["picture", "canvas", "marks"]) byId(id).hidden = true;
    this.stop();
    tellSeries(this);
    offerPresets(this);
    this.choose(this.tool);
    showError(this.places.length ? null : new Error("This series holds no pictures."));
    if (!this.places.length) return;
    this.want(this.at);
    // Where the headers do not come, the server draws as it does now.
    if (this.#screen) this.#stack.open(study, series, this.places, this.at).then(() => this.redraw(), () => {});
  }

  get place() { return this.places[this.at]; }
  get canWindow() { return Boolean(this.place) && !COLOUR.test(this.place.image.photometric_interpretation ?? ""); }
  get unit() {
    if (this.places.length < 2) return "Picture";
    return this.place.image.frame_count > 1 ? "Frame" : "Slice";
  }
  get stage() { return { width: byId("stage").clientWidth, height: byId("stage").clientHeight }; }

  /** Goes to a slice; out of range means the nearest one. */
  want(index) {
    if (!this.places.length) return;
    const next = Math.min(Math.max(index, 0), this.places.length - 1);
    if (next !== this.at) this.#direction = Math.sign(next - this.at);
    this.at = next;
    tellIndex(next, this);
    this.#stack.around(next);
    this.#show();
  }

  /** Looks through another window. */
  see(view) {
    if (!this.place || (!this.canWindow && view.preset !== "default")) return;
    this.view = view;
    pressPreset(view);
    this.#show();
  }

  /** The window in use as `{window, level}`, or null while only the server knows. */
  used() { return this.place ? this.#used(this.view, this.place) : null; }

  #used(view, place) {
    if (view.window !== undefined) return view;
    const preset = this.presets.find(({ name }) => name === view.preset);
    if (preset) return { window: preset.window, level: preset.level };
    const { window, level, windows } = place.seen ?? place.image;
    return window == null || level == null ? null : { window, level, function: place.seen?.function ?? windows?.[0]?.function };
  }

  invert() {
    if (!this.place) return;
    this.isInverted = !this.isInverted;
    this.#show();
  }

  turn(how) { this.#lay(() => this.#placement.turn(how)); }
  fit() { this.#lay(() => this.#placement.fit()); }
  oneToOne() { this.#lay(() => this.#placement.oneToOne()); }
  move(dx, dy) { this.#lay((stage, box) => this.#placement.move(dx, dy, stage, box)); }

  /** By a factor, around a point of the window or the middle of the stage. */
  zoom(factor, point = null) {
    const { left, top } = byId("stage").getBoundingClientRect();
    const from = (stage) => (point
      ? { x: point.clientX - left - stage.width / 2, y: point.clientY - top - stage.height / 2 } : { x: 0, y: 0 });
    this.#lay((stage, box) => this.#placement.zoom(factor, from(stage), stage, box));
  }

  /** Everything as it was when the series was opened, but the slice. */
  reset() {
    this.#placement.reset();
    this.isInverted = false;
    this.see({ preset: "default" });
    this.redraw();
  }

  #lay(change) {
    if (!this.#drawn) return;
    change(this.stage, this.#drawn.box);
    // A picture in the size of the screen may be wanted in another.
    this.#show();
    this.redraw();
  }

  choose(tool) {
    this.tool = tool;
    byId("stage").dataset.tool = tool;
    for (const button of byId("tools").querySelectorAll("[data-tool]")) {
      button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
    }
  }

  canDrag(tool) {
    if (tool === "window") return this.areWindowsFree && this.canWindow && Boolean(this.used());
    return tool === "scroll" ? this.places.length > 1 : Boolean(this.#drawn);
  }

  /** What `tool` does from now on, as a function of how far the hand has gone. */
  grip(tool, point) { return TOOLS[tool](this, point); }

  /** A drag at once, for who has no mouse. */
  drag(tool, dx, dy) { if (this.canDrag(tool)) this.grip(tool, null)(dx, dy); }

  /** The hand left the picture: the window will stay for a while. */
  release() {
    this.dragging = false;
    this.#loader.prefetch();
  }

  get #frameMs() {
    const told = this.place ? frameMilliseconds(this.place) : null;
    return Math.min(Math.max(told ?? PLAY_FRAME_MS, PLAY_FRAME_MS_MIN), PLAY_FRAME_MS_MAX);
  }

  togglePlay() {
    if (this.#playing) return this.stop();
    if (this.places.length < 2) return;
    this.#playing = setInterval(() => {
      if (!this.#loader.isBusy && !document.hidden) this.want((this.at + 1) % this.places.length);
    }, this.#frameMs);
    tellPlaying(true, this.#frameMs);
  }

  stop() {
    clearInterval(this.#playing);
    this.#playing = 0;
    tellPlaying(false, this.#frameMs);
  }

  /** What of the place that is wanted can be drawn here, `{slice, grey, voi}`; `null` where the server has to. */
  #held() {
    const held = this.#screen ? this.#stack.at(this.place) : null;
    if (!held || !this.#screen.takes(held.slice.rows, held.slice.columns)) return null;
    const { window, level, function: name = "linear" } = this.view.preset === "default" ? {} : this.used() ?? {};
    const voi = window === undefined ? fileView(held.grey, held.slice) : { window, level, function: name, padding: null };
    return voi && { ...held, voi };
  }

  #show() {
    if (!this.place) return;
    if (this.#held()) this.redraw();
    else this.#loader.load();
  }

  /** Draws, once for all that changes within a frame of the screen. */
  redraw() {
    this.#due ||= requestAnimationFrame(() => {
      this.#due = 0;
      if (!this.place) return;
      const held = this.#held();
      if (held) this.#drawHere(held);
      else if (this.#drawn?.element.id === "picture") this.#layAgain();
    });
  }

  #drawHere({ slice, grey, voi }) {
    const { place, view } = this;
    const box = { width: slice.columns, height: slice.rows };
    const canvas = byId("canvas");
    if (view.preset === "default") place.seen = { window: voi.window, level: voi.level, function: voi.function };
    // Shown first: what is hidden has no size.
    this.#tellDrawn(canvas, place, view, box);
    this.#screen.draw(slice, voi, grey.isInverted !== this.isInverted, this.#placement.matrix(this.stage, box), devicePixelRatio);
    tellTiming(HELD);
    tellWindow(voi);
  }

  /** What the user wants to see now. */
  #wish() {
    const { series, place, at, view } = this;
    return { series, place, at, view, path: place ? this.#path(place) : "" };
  }

  #path(place) {
    const query = new URLSearchParams({ format: "png" });
    if (place.frame > 1) query.set("frame", place.frame);
    const { preset, window, level, function: name = "linear" } = this.view;
    if (preset === undefined) {
      query.set("window", window);
      query.set("level", level);
      if (name !== "linear") query.set("function", name);
    } else if (preset !== "default") {
      query.set("preset", preset);
    }
    if (this.isInverted) query.set("invert", "true");
    const { rows, columns, image_id: id } = place.image;
    if (rows * columns > WHOLE_PIXELS_MAX) {
      // Steps of 256 pixels, so that a few sizes of window do not make a picture each.
      const { stage } = this;
      const scale = this.#placement.scale(stage, { width: columns, height: rows });
      const side = (pixels) => Math.min(8192, Math.ceil((pixels * scale * devicePixelRatio) / 256) * 256);
      query.set("width", side(columns));
      query.set("height", side(rows));
    }
    return `dicom/images/${encodeURIComponent(id)}?${query}`;
  }

  /** The next slices in the direction of travel, and a few of the way back; none where the stack comes by itself. */
  #ahead() {
    if (this.dragging || this.#stack.isOpening) return [];
    const steps = [...Array.from({ length: PREFETCH_REACH }, (_, nth) => nth + 1), -1, -2];
    const places = steps.map((step) => this.places[this.at + step * this.#direction]);
    return places.filter((place) => place && !this.#stack.takes(place)).map((place) => this.#path(place));
  }

  async #drawOfServer(wish, picture) {
    const { series, place, view, path } = wish;
    const [nth, told] = [++this.#decoded.asked, { ...picture }];
    const decoded = Object.assign(new Image(), { src: picture.url });
    const isWhole = await decoded.decode().then(() => true, () => false);
    // Meanwhile a newer one may have been drawn, or the samples have come.
    if (!isWhole || nth < this.#decoded.drawn || series !== this.series || this.#held()) return;
    this.#decoded.drawn = nth;
    byId("picture").src = picture.url;
    this.#tellDrawn(byId("picture"), place, view, this.#boxOf(decoded, place));
    this.#layPicture();
    tellTiming(told);
    tellWindow(this.canWindow ? this.#used(view, place) : null);
    clearTimeout(this.#asking);
    this.#asking = setTimeout(() => path === this.#wish().path && this.#askWindow(place, path), REST_MS);
  }

  /** The sides of the whole picture, with square pixels, whatever size it came in. */
  #boxOf({ naturalWidth, naturalHeight }, { image: { rows, columns } }) {
    const grown = rows * columns > WHOLE_PIXELS_MAX ? Math.max(columns / naturalWidth, rows / naturalHeight) : 1;
    return { width: naturalWidth * grown, height: naturalHeight * grown };
  }

  /** The same picture of the server, lying otherwise. */
  #layAgain() {
    const { place, box } = this.#drawn;
    this.#layPicture();
    mark(place, this.#placement, this.stage, box);
  }

  #layPicture() {
    const { element, box } = this.#drawn;
    element.style.width = `${box.width}px`;
    element.style.height = `${box.height}px`;
    element.style.transform = `matrix(${this.#placement.matrix(this.stage, box)})`;
  }

  /** Everything written beside the picture belongs to the picture that is drawn, not to one still on its way. */
  #tellDrawn(element, place, view, box) {
    const hidden = byId(element.id === "canvas" ? "picture" : "canvas");
    this.#drawn = { element, place, box };
    showError(null);
    hidden.hidden = true;
    element.hidden = byId("marks").hidden = false;
    const label = `${this.series.modality ?? "Image"}, ${this.unit.toLowerCase()} ${place.index + 1} of ${this.places.length}`;
    if (element.id === "canvas") element.ariaLabel = label;
    else element.alt = label;
    element.dataset.shown = `${place.image.sop_instance_uid}/${place.frame}/${view.preset ?? `${view.window},${view.level}`}`;
    tellPatient(this.study, place.image.other_patient);
    tellSlice({ place, unit: this.unit, places: this.places });
    mark(place, this.#placement, this.stage, box);
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => this.#restOn(place), REST_MS);
  }

  /** A screen reader is told when the user rests on a picture. */
  #restOn(place) {
    if (!this.#playing && place === this.place) say(`${this.unit} ${place.index + 1} of ${this.places.length}`);
  }

  /** Without a window in the file the server takes the frame's range; only its JSON answer tells which. */
  #askWindow(place, path) {
    if (this.used() || !this.canWindow) return;
    askJson(path.replace("format=png", "format=json")).then(({ window, level }) => {
      place.seen = { window, level };
      if (place === this.place) tellWindow(this.used());
    }).catch(() => say("The window is not known."));
  }
}
