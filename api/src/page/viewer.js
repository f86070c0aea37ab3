// The viewer: which slice of which series is seen through which window, and what is written around it.

import { byId, lines, make, personName, say, showError } from "./elements.js";
import { Loader } from "./loader.js";
import { askJson } from "./server.js";

const COLOUR = /^(RGB|YBR|PALETTE)/;
const PREFETCH_REACH = 6;
const PLAY_FRAME_MS = 50;
/** A picture that stays this long is rested on. */
const REST_MS = 350;
/** Pictures beyond this many pixels are asked for in the size of the screen. */
const WHOLE_PIXELS_MAX = 2_500_000;
const SOURCES = { memory: "cached, memory", redis: "cached, Redis", postgres: "cached, Postgres", render: "rendered" };

export class Viewer {
  /** Every preset that the server offers. */
  presets = [];
  study = null;
  series = null;
  /** One entry a slice; a multi-frame instance has one for each of its frames. */
  places = [];
  at = 0;
  /** `{preset}` or `{window, level}`. */
  view = { preset: "default" };
  /** While a hand drags the window, every picture has another window: nothing is worth fetching ahead. */
  dragging = false;
  #direction = 1;
  #rest = 0;
  #playing = 0;
  #loader = new Loader({
    wish: () => this.#wish(),
    draw: (wish, picture) => this.#draw(wish, picture),
    fail: showError,
    ahead: () => this.#ahead(),
  });

  open(study, series, images) {
    this.#loader.abortAll();
    Object.assign(this, { study, series, view: { preset: "default" } });
    this.places = images.flatMap((image) =>
      Array.from({ length: image.frame_count ?? 1 }, (_, frameIndex) => ({ image, frame: frameIndex + 1 })));
    // A stack opens in its middle, a cine at its start.
    this.at = images.length === 1 ? 0 : Math.floor((this.places.length - 1) / 2);
    byId("viewer").classList.remove("idle");
    byId("picture").hidden = true;
    this.stop();
    this.#labels();
    this.#offerPresets();
    showError(this.places.length ? null : new Error("This series holds no pictures."));
    if (this.places.length) this.want(this.at);
  }

  get place() { return this.places[this.at]; }
  get canWindow() { return Boolean(this.place) && !COLOUR.test(this.place.image.photometric_interpretation ?? ""); }
  get unit() {
    if (this.places.length < 2) return "Picture";
    return this.place.image.frame_count > 1 ? "Frame" : "Slice";
  }

  /** Goes to a slice; out of range means the nearest one. */
  want(index) {
    if (!this.places.length) return;
    const next = Math.min(Math.max(index, 0), this.places.length - 1);
    if (next !== this.at) this.#direction = Math.sign(next - this.at);
    this.at = next;
    const slider = byId("slider");
    slider.value = String(next + 1);
    slider.setAttribute("aria-valuetext", `${this.unit} ${next + 1} of ${this.places.length}`);
    byId("place").textContent = `${next + 1} / ${this.places.length}`;
    this.#loader.load();
  }

  /** Looks through another window. */
  see(view) {
    if (!this.place || (!this.canWindow && view.preset !== "default")) return;
    this.view = view;
    for (const button of byId("presets").children) {
      button.setAttribute("aria-pressed", String(button.dataset.preset === view.preset));
    }
    this.#loader.load();
  }

  /** The window in use as `{window, level}`, or null while only the server knows. */
  used() { return this.place ? this.#used(this.view, this.place) : null; }

  #used(view, place) {
    if (view.window !== undefined) return view;
    const { window, level } = this.presets.find(({ name }) => name === view.preset) ?? place.seen ?? place.image;
    return window == null || level == null ? null : { window, level };
  }

  /** The hand left the picture: the window will stay for a while. */
  release() {
    this.dragging = false;
    this.#loader.prefetch();
  }

  togglePlay() {
    if (this.#playing) return this.stop();
    if (this.places.length < 2) return;
    this.#playing = setInterval(() => {
      if (!this.#loader.isBusy && !document.hidden) this.want((this.at + 1) % this.places.length);
    }, PLAY_FRAME_MS);
    this.#tellPlaying();
  }

  stop() {
    clearInterval(this.#playing);
    this.#playing = 0;
    this.#tellPlaying();
  }

  /** What the user wants to see now. */
  #wish() {
    const { series, place, at, view } = this;
    return { series, place, at, view, path: place ? this.#path(place) : "" };
  }

  #path(place) {
    const query = new URLSearchParams({ format: "png" });
    if (place.frame > 1) query.set("frame", place.frame);
    const { preset, window, level } = this.view;
    if (preset === undefined) {
      query.set("window", window);
      query.set("level", level);
    } else if (preset !== "default") {
      query.set("preset", preset);
    }
    const { rows, columns, image_id: id } = place.image;
    if (rows * columns > WHOLE_PIXELS_MAX) {
      // Steps of 256 pixels, so that a few sizes of window do not make a picture each.
      const side = (css) => Math.ceil((css * devicePixelRatio) / 256) * 256;
      const stage = byId("stage");
      query.set("width", side(stage.clientWidth));
      query.set("height", side(stage.clientHeight));
    }
    return `dicom/images/${encodeURIComponent(id)}?${query}`;
  }

  /** The next slices in the direction of travel, and a few of the way back. */
  #ahead() {
    if (this.dragging) return [];
    const steps = [...Array.from({ length: PREFETCH_REACH }, (_, nth) => nth + 1), -1, -2];
    const places = steps.map((step) => this.places[this.at + step * this.#direction]);
    return places.filter(Boolean).map((place) => this.#path(place));
  }

  /** Everything written beside the picture belongs to the picture that is drawn, not to one still on its way. */
  #draw({ place, at, view, path }, picture) {
    const element = byId("picture");
    const { rows, columns, sop_instance_uid: uid } = place.image;
    const total = this.places.length;
    showError(null);
    const { other_patient: other } = place.image;
    this.#tellPatient(other ?? this.study, other ? "Not the patient of this study" : "");
    element.src = picture.url;
    element.hidden = false;
    element.alt = `${this.series.modality ?? "Image"}, ${this.unit.toLowerCase()} ${at + 1} of ${total}`;
    element.dataset.shown = `${uid}/${place.frame}/${view.preset ?? `${view.window},${view.level}`}`;
    byId("corner-slice").textContent = total > 1 ? `${this.unit} ${at + 1} / ${total}` : "";
    byId("fact-size").textContent = columns && rows ? `${columns} × ${rows}` : "–";
    this.#tellTiming(picture);
    this.#tellWindow(this.#used(view, place));
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => path === this.#wish().path && this.#restOn(place, path), REST_MS);
  }

  /** What can wait until the user rests on a picture. */
  #restOn(place, path) {
    if (!this.#playing) say(`${this.unit} ${this.at + 1} of ${this.places.length}`);
    if (this.used() || !this.canWindow) return;
    // Without a window in the file the server takes the frame's range; only its JSON answer tells which.
    askJson(path.replace("format=png", "format=json")).then(({ window, level }) => {
      place.seen = { window, level };
      if (place === this.place) this.#tellWindow(this.used());
    }).catch(() => say("The window is not known."));
  }

  #tellWindow(used) {
    const known = used && this.canWindow;
    const rounded = (value) => (Math.abs(value) >= 10 ? Math.round(value) : Number(value.toPrecision(3)));
    const text = (value) => String(rounded(value)).replace("-", "−");
    byId("fact-window").textContent = known ? text(used.window) : "–";
    byId("fact-level").textContent = known ? text(used.level) : "–";
    byId("corner-window").textContent = known ? `W ${text(used.window)}  L ${text(used.level)}` : "";
  }

  #tellTiming({ timing, trip, shownBefore }) {
    const spent = timing.stages.reduce((sum, [, ms]) => sum + ms, 0);
    const source = SOURCES[timing.source] ?? timing.source ?? "–";
    byId("fact-source").textContent = shownBefore ? "held by this page" : source;
    byId("fact-server").textContent = timing.stages.length ? `${spent.toFixed(1)} ms` : "–";
    byId("fact-server").title = timing.stages.map(([name, ms]) => `${name} ${ms} ms`).join(", ");
    byId("fact-trip").textContent = shownBefore ? "none" : `${trip.toFixed(trip < 10 ? 1 : 0)} ms`;
  }

  #tellPlaying() {
    byId("play").textContent = this.#playing ? "Pause" : "Play";
    byId("play").setAttribute("aria-pressed", String(Boolean(this.#playing)));
  }

  /** What stays the same while the series is open. */
  /** A file of another patient than its study's is told with its own. */
  #tellPatient({ patient_name: name, patient_id: id }, note = "") {
    byId("corner-patient").textContent = lines(personName(name), id, this.study.study_date, note);
  }

  #labels() {
    const { study, series, places } = this;
    byId("slider").max = String(Math.max(places.length, 1));
    byId("slider").disabled = byId("play").disabled = places.length < 2;
    byId("slider-label").textContent = this.unit;
    byId("stage").classList.toggle("windowed", this.canWindow);
    this.#tellPatient(study);
    byId("corner-series").textContent = lines(study.study_description, series.series_description, series.modality);
    for (const id of ["corner-window", "corner-slice"]) byId(id).textContent = "";
    for (const fact of document.querySelectorAll(".facts dd")) fact.textContent = "–";
  }

  #offerPresets() {
    const fitting = this.presets.filter(({ modality }) => this.canWindow && modality === this.series.modality);
    const choices = [{ name: "default", description: "The window that the file asks for" }, ...fitting];
    byId("presets").replaceChildren(...choices.map(({ name, description, window, level }, nth) => {
      const button = make("button", { type: "button", textContent: name.replaceAll("_", " ") });
      button.title = window ? `${description} (W ${window}, L ${level})` : description;
      button.dataset.preset = name;
      if (nth < 10) button.setAttribute("aria-keyshortcuts", String(nth));
      button.setAttribute("aria-pressed", String(name === this.view.preset));
      button.addEventListener("click", () => this.see({ preset: name }));
      return button;
    }));
  }
}
