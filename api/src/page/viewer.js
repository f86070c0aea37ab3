// One pane: which slice of which series is seen through which window, and how it lies.
// What is drawn comes from the stack, here and at once, or from the server, which can draw everything.

import { tellError, tellPatient, tellSeries, tellSlice, tellTechnique, tellWindow } from "./captions.js";
import { documentOf, forget } from "./documents.js";
import { say } from "./elements.js";
import { fileView, paddingInSamples } from "./grey.js";
import { Loader } from "./loader.js";
import { frameMilliseconds, mark } from "./marks.js";
import { HELD, NOTHING, cornerOf, sidesOf } from "./pane.js";
import { Placement } from "./placement.js";
import { placesOf } from "./places.js";
import { Screen } from "./screen.js";
import { askJson } from "./server.js";
import { Stack } from "./stack.js";
import { TOOLS } from "./tools.js";
import { t } from "./words.js";

const COLOUR = /^(RGB|YBR|PALETTE)/;
const PREFETCH_REACH = 6;
const PLAY_FRAME_MS = 50;
const PLAY_FRAME_MS_MIN = 10;
const PLAY_FRAME_MS_MAX = 2_000;
/** A picture that stays this long is rested on. */
const REST_MS = 350;
/** The first picture is shown before the samples of its series are asked for, unless it takes longer. */
const BEGIN_MS = 100;
/** Pictures beyond this many pixels are asked for in the size of the screen. */
const WHOLE_PIXELS_MAX = 2_500_000;
/** What a place is called, by itself and inside of a sentence. */
const UNITS = {
  document: { name: t("unit.document"), inside: t("unit.document.inside") },
  picture: { name: t("unit.picture"), inside: t("unit.picture.inside") },
  frame: { name: t("unit.frame"), inside: t("unit.frame.inside") },
  slice: { name: t("unit.slice"), inside: t("unit.slice.inside") },
};

export class Viewer {
  study = null;
  series = null;
  /** See `places.js`. */
  places = [];
  at = 0;
  /** `{preset}` or `{window, level}`, the latter with a `function` or the linear one. */
  view = { preset: "default" };
  isInverted = false;
  /** What is drawn: its place, its window as far as it is known, how it came; and of how many places the samples are here. */
  told = { ...NOTHING };
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
  #parts;
  #desk;
  /** What draws here: `undefined` until it is needed, since a browser takes long to begin with one, and `null` where there is none. */
  #made;
  /** Waits for the first picture, but not long. */
  #beginning = 0;
  #stack = new Stack((place) => this.#keep(place), () => this.#desk.bytesMax());
  #loader = new Loader({
    wish: () => this.#wish(),
    isWaiting: () => Boolean(this.place) && !this.place.kind && !this.#held(),
    draw: (wish, picture) => this.#drawOfServer(wish, picture),
    fail: (error) => this.fail(error),
    ahead: () => this.#ahead(),
  });

  /** A pane of these elements (`pane.js`). `desk.offers()` are the presets of the server and `desk.isFree()` says whether it shows
   *  other windows; `desk.bytesMax()` is what samples may take; `desk.changed(viewer)` hears of all that is shown, `desk.moved(viewer)` of another slice, `desk.laid(viewer)` of where it lies;
   *  `desk.tied(viewer)` are those that lie as it does, itself among them. */
  constructor(parts, desk) {
    this.#parts = parts;
    this.#desk = desk;
    // The browser may take the graphics card away: from then on the server draws.
    parts.canvas.addEventListener("webglcontextlost", () => {
      this.#made = null;
      this.#stack.close();
      this.#show();
    });
  }

  /** Shows nothing. */
  close() {
    this.stop();
    this.#loader.abortAll();
    this.#stack.close();
    this.#notBegin();
    this.#made?.clear();
    Object.assign(this, { study: null, series: null, places: [], at: 0, told: { ...NOTHING } });
    this.#drawn = null;
    const { drawing, stage, ...rest } = this.#parts;
    for (const part of ["picture", "canvas", "marks"]) rest[part].hidden = true;
    for (const part of ["patient", "series", "window", "slice", "technique"]) rest[part].textContent = "";
    this.#clearPaper();
    drawing.replaceChildren();
    stage.classList.remove("windowed");
    this.fail(null);
  }

  /** Shows a series from its middle, or as `state` says (see `state`). */
  open(study, series, images, state = {}) {
    this.#loader.abortAll();
    this.#stack.close();
    this.#notBegin();
    this.#made?.clear();
    Object.assign(this, { study, series, isInverted: state.isInverted ?? false, places: placesOf(images) });
    this.told = { ...NOTHING };
    this.#placement.reset();
    if (state.lies) this.#placement.lie(state.lies);
    this.#drawn = null;
    // A stack opens in its middle, a cine at its start.
    const middle = images.length === 1 ? 0 : Math.floor((this.places.length - 1) / 2);
    this.at = Math.min(Math.max(state.at ?? middle, 0), Math.max(this.places.length - 1, 0));
    this.view = this.#takes(state.view) ? state.view : { preset: "default" };
    for (const part of ["picture", "canvas", "marks"]) this.#parts[part].hidden = true;
    this.#clearPaper();
    this.stop();
    tellSeries(this.#parts, this);
    this.fail(this.places.length ? null : new Error(t("pane.empty")));
    this.#desk.changed(this);
    if (!this.places.length) return;
    this.want(this.at);
    if (!this.place.kind) this.#beginning = setTimeout(() => this.#begin(), BEGIN_MS);
  }

  /** Takes the samples of the series into hand, where there is something to draw them. */
  #begin() {
    this.#notBegin();
    // Where the headers do not come, the server draws as it does now.
    const told = () => this.#desk.changed(this);
    if (this.#screen) this.#stack.open(this.study, this.series, this.places, this.at).then(() => this.#headersCame(), told);
    // What the server draws is worth fetching ahead.
    if (!this.isOpening) this.#loader.prefetch();
    told();
  }

  #notBegin() {
    clearTimeout(this.#beginning);
    this.#beginning = 0;
  }

  get #screen() { return this.#made === undefined ? this.#made = Screen.on(this.#parts.canvas) : this.#made; }

  /** Whether a view that somebody hands over is one that this server offers of this picture. */
  #takes(view) {
    if (!view || !this.canWindow) return false;
    if (view.window === undefined) return this.presets.some(({ name }) => name === view.preset);
    const isOfFile = ({ window, level }) => window === view.window && level === view.level;
    return this.#desk.isFree() || (this.place.image.windows ?? []).some(isOfFile);
  }

  /** The headers say where slices lie that the list of images does not know of. */
  #headersCame() {
    this.redraw();
    this.#desk.moved(this);
    this.#desk.changed(this);
  }

  /** What has to be known to show the same again. */
  get state() {
    const { at, view, isInverted } = this;
    return { at, view, isInverted, lies: this.#placement.state };
  }

  /** Samples have come. */
  #keep(place) {
    this.told.held = this.#stack.count;
    this.#desk.changed(this);
    if (place === this.place) this.#show();
  }

  fail(error) { tellError(this.#parts, error, !this.series); }

  get presets() { return this.#desk.offers(); }
  get place() { return this.places[this.at]; }
  get canWindow() { return Boolean(this.place) && !this.place.kind && !COLOUR.test(this.place.image.photometric_interpretation ?? ""); }
  get unit() {
    if (this.place?.kind) return UNITS.document;
    if (this.places.length < 2) return UNITS.picture;
    return this.place.image.frame_count > 1 ? UNITS.frame : UNITS.slice;
  }
  get stage() { return sidesOf(this.#parts); }

  /** Goes to a slice; out of range means the nearest one. */
  want(index) {
    if (!this.places.length) return;
    const next = Math.min(Math.max(index, 0), this.places.length - 1);
    if (next !== this.at) this.#direction = Math.sign(next - this.at);
    this.at = next;
    this.#desk.changed(this);
    this.#stack.around(next);
    this.#show();
    this.#desk.moved(this);
  }

  /** Looks through another window. */
  see(view) {
    if (!this.place || (!this.canWindow && view.preset !== "default")) return;
    this.view = view;
    this.#desk.changed(this);
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
    this.#desk.changed(this);
    this.#show();
  }

  turn(how) { this.#lay(() => this.#placement.turn(how)); }
  fit() { this.#layAll((viewer) => viewer.#lay(() => viewer.#placement.fit())); }
  oneToOne() { this.#layAll((viewer) => viewer.#lay(() => viewer.#placement.oneToOne())); }
  move(dx, dy) { this.#layAll((viewer) => viewer.#lay((stage, box) => viewer.#placement.move(dx, dy, stage, box))); }

  /** By a factor, around a point of the window or the middle of the stage. */
  zoom(factor, point = null) {
    const { left, top } = this.corner;
    const { stage } = this;
    const from = point ? { x: point.clientX - left - stage.width / 2, y: point.clientY - top - stage.height / 2 } : { x: 0, y: 0 };
    this.#layAll((viewer) => viewer.#lay((own, box) => viewer.#placement.zoom(factor, from, own, box)));
  }

  /** Here, and in the panes that are tied to this one. */
  #layAll(lay) {
    for (const viewer of this.#desk.tied(this)) lay(viewer);
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

  canDrag(tool) {
    if (tool === "window") return this.#desk.isFree() && this.canWindow && Boolean(this.used());
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

  get isPlaying() { return this.#playing !== 0; }
  get frameMs() {
    const told = this.place ? frameMilliseconds(this.place) : null;
    return Math.min(Math.max(told ?? PLAY_FRAME_MS, PLAY_FRAME_MS_MIN), PLAY_FRAME_MS_MAX);
  }

  togglePlay() {
    if (this.#playing) return this.stop();
    if (this.places.length < 2) return;
    this.#playing = setInterval(() => {
      if (!this.#loader.isBusy && !document.hidden) this.want((this.at + 1) % this.places.length);
    }, this.frameMs);
    this.#desk.changed(this);
  }

  stop() {
    clearInterval(this.#playing);
    this.#playing = 0;
    this.#desk.changed(this);
  }

  /** What of the place that is wanted can be drawn here, `{slice, grey, voi}`; `null` where the server has to. */
  #held() {
    const held = this.#made ? this.#stack.at(this.place) : null;
    if (!held || !this.#made.takes(held.slice.rows, held.slice.columns)) return null;
    const { window, level, function: name = "linear" } = this.view.preset === "default" ? {} : this.used() ?? {};
    const voi = window === undefined ? fileView(held.grey, held.slice) : { window, level, function: name, padding: null };
    return voi && { ...held, voi };
  }

  #show() {
    if (!this.place) return;
    if (this.place.kind) this.#showDocument(this.place).catch((error) => this.place?.kind && this.fail(error));
    else if (this.#held()) this.redraw();
    else this.#loader.load();
  }

  /** Draws, once for all that changes within a frame of the screen. */
  redraw() {
    this.#due ||= requestAnimationFrame(() => {
      this.#due = 0;
      if (!this.place || this.place.kind) return;
      const held = this.#held();
      if (held) this.#drawHere(held);
      else if (this.#drawn?.element === this.#parts.picture) this.#layAgain();
    });
  }

  #drawHere({ slice, grey, voi }) {
    const { place, view } = this;
    const box = { width: grey.columns, height: grey.rows };
    const { canvas } = this.#parts;
    if (view.preset === "default") place.seen = { window: voi.window, level: voi.level, function: voi.function };
    // Shown first: what is hidden has no size.
    this.#tellDrawn(canvas, place, view, box);
    const [a, b, c, d, e, f] = this.#placement.matrix(this.stage, box);
    // What came small is as large as the frame.
    const [wide, high] = [box.width / slice.columns, box.height / slice.rows];
    this.#screen.draw(slice, voi, grey.isInverted !== this.isInverted, [a * wide, b * wide, c * high, d * high, e, f], devicePixelRatio);
    this.#tellUsed(voi, HELD);
  }

  /** The window of what is drawn, as far as it is known, and how it came. */
  #tellUsed(window, answer = this.told.answer) {
    Object.assign(this.told, { window, answer });
    tellWindow(this.#parts, window);
    this.#desk.changed(this);
  }

  get corner() { return cornerOf(this.#parts); }

  /** The samples of a place as they came whole; `null` where they are not here. */
  samplesAt(place) {
    const slice = this.#stack.at(place)?.slice;
    return slice && !slice.isSmall ? slice : null;
  }

  /** The same, for who measures: with `padding`, the first and last sample that stand for nothing; `null` too where nobody can tell. */
  measuredAt(place) {
    const slice = this.samplesAt(place);
    if (!slice) return null;
    slice.padding ??= paddingInSamples(this.greyOf(place), slice);
    return slice.padding === undefined ? null : slice;
  }

  /** Of what is drawn. */
  get samples() { return this.told.place ? this.measuredAt(this.told.place) : null; }

  /** For who makes a volume of the series: whether headers are still to come, what they say of a place, and whether its samples are
   *  here or will come. */
  get isOpening() { return this.#beginning !== 0 || this.#stack.isOpening; }
  greyOf(place) { return this.#stack.greyOf(place); }
  takes(place) { return this.#stack.takes(place); }

  /** There may be room for more samples than before, or for fewer. */
  gather() {
    this.#stack.fit();
    this.told.held = this.#stack.count;
  }

  /** From pixels of the frame that is drawn to those of the stage, as a matrix `[a, b, c, d, e, f]`; `null` without a picture. */
  get ofFrame() {
    if (!this.#drawn) return null;
    const { place: { image }, box } = this.#drawn;
    const [a, b, c, d, e, f] = this.#placement.matrix(this.stage, box);
    // The server makes pixels square: then the box has other sides than the frame.
    const [wide, high] = [box.width / (image.columns || box.width), box.height / (image.rows || box.height)];
    return [a * wide, b * wide, c * high, d * high, e, f];
  }

  /** What is no picture, in place of one. */
  async #showDocument(place) {
    if (this.told.place === place) return;
    const { canvas, picture, marks, drawing, paper } = this.#parts;
    this.#drawn = null;
    this.told.place = place;
    for (const part of [canvas, picture, marks]) part.hidden = true;
    this.#clearPaper();
    drawing.replaceChildren();
    tellSlice(this.#parts, { place, unit: this.unit, places: this.places });
    this.#tellUsed(null, null);
    const shown = await documentOf(this.study, this.series, place.image, (uid, frame) => this.#desk.follow(this, uid, frame));
    if (place !== this.place) return forget(shown);
    this.fail(null);
    paper.replaceChildren(shown);
    paper.hidden = false;
    paper.dataset.shown = `${place.image.sop_instance_uid}/${place.kind}`;
  }

  #clearPaper() {
    const { paper } = this.#parts;
    if (paper.hidden) return;
    forget(paper);
    paper.replaceChildren();
    paper.hidden = true;
  }

  /** What the user wants to see now. */
  #wish() {
    const { series, place, at, view } = this;
    return { series, place, at, view, path: place ? this.#path(place) : "" };
  }

  /** The picture that is wanted, of the server, in its own size. */
  get path() { return this.place && !this.place.kind ? this.#path(this.place, true) : null; }

  #path(place, isWhole = false) {
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
    if (rows * columns > WHOLE_PIXELS_MAX && !isWhole) {
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
    if (this.dragging || this.isOpening) return [];
    const steps = [...Array.from({ length: PREFETCH_REACH }, (_, nth) => nth + 1), -1, -2];
    const places = steps.map((step) => this.places[this.at + step * this.#direction]);
    return places.filter((place) => place && !place.kind && !this.#stack.takes(place)).map((place) => this.#path(place));
  }

  async #drawOfServer(wish, picture) {
    const { series, place, view, path } = wish;
    const [nth, told] = [++this.#decoded.asked, { ...picture }];
    const decoded = Object.assign(new Image(), { src: picture.url });
    const isWhole = await decoded.decode().then(() => true, () => false);
    // Meanwhile a newer one may have been drawn, or the samples have come.
    if (!isWhole || nth < this.#decoded.drawn || series !== this.series || this.#held()) return;
    this.#decoded.drawn = nth;
    this.#parts.picture.src = picture.url;
    this.#tellDrawn(this.#parts.picture, place, view, this.#boxOf(decoded, place));
    this.#layPicture();
    this.#tellUsed(this.canWindow ? this.#used(view, place) : null, told);
    if (this.#beginning) requestAnimationFrame(() => this.#beginning && this.#begin());
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
    this.#mark(place, box);
  }

  /** Everything that lies on the picture as the picture lies. */
  #mark(place, box) {
    mark(this.#parts, place, this.#placement, this.stage, box);
    this.#desk.laid(this);
  }

  #layPicture() {
    const { element, box } = this.#drawn;
    element.style.width = `${box.width}px`;
    element.style.height = `${box.height}px`;
    element.style.transform = `matrix(${this.#placement.matrix(this.stage, box)})`;
  }

  /** Everything written beside the picture belongs to the picture that is drawn, not to one still on its way. */
  #tellDrawn(element, place, view, box) {
    const { canvas, picture, marks } = this.#parts;
    this.#clearPaper();
    this.#drawn = { element, place, box };
    this.told.place = place;
    this.fail(null);
    (element === canvas ? picture : canvas).hidden = true;
    element.hidden = marks.hidden = false;
    const label = t("place.alt", { modality: this.series.modality ?? t("place.image"), unit: this.unit.inside, ...this.#countOf(place) });
    if (element === canvas) element.ariaLabel = label;
    else element.alt = label;
    element.dataset.shown = `${place.image.sop_instance_uid}/${place.frame}/${view.preset ?? `${view.window},${view.level}`}`;
    tellPatient(this.#parts, this.study, place.image.other_patient);
    tellSlice(this.#parts, { place, unit: this.unit, places: this.places });
    tellTechnique(this.#parts, place);
    this.#mark(place, box);
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => this.#restOn(place), REST_MS);
  }

  #countOf({ index }) { return { number: index + 1, count: this.places.length }; }

  /** A screen reader is told when the user rests on a picture. */
  #restOn(place) {
    if (!this.#playing && place === this.place) say(t("place.of", { unit: this.unit.name, ...this.#countOf(place) }));
  }

  /** Without a window in the file the server takes the frame's range; only its JSON answer tells which. */
  #askWindow(place, path) {
    if (this.used() || !this.canWindow) return;
    askJson(path.replace("format=png", "format=json")).then(({ window, level }) => {
      place.seen = { window, level };
      if (place === this.place) this.#tellUsed(this.used());
    }).catch(() => say(t("pane.windowless")));
  }
}
