// The plain page: studies on the left, one picture on the right, straight from the API and nothing else.
// Everything from a file reaches the document through `textContent`. Start at `open` and at `class Viewer`.

const API = "/api/v1";
const TOKEN_KEY = "noctis-token";
const byId = (id) => document.getElementById(id);

// ---- Asking the server ------------------------------------------------------------------------------------------

/** What the server said instead of an answer (RFC 9457), or that there was none. */
class Problem extends Error {
  constructor(status, title, detail) {
    super(detail ? `${title}\n${detail}` : title);
    this.status = status;
  }
}

async function ask(path, signal) {
  const token = sessionStorage.getItem(TOKEN_KEY);
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  let response;
  try {
    response = await fetch(path.startsWith("/") ? path : `${API}/${path}`, { headers, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "The server does not answer", "It may be stopped or restarting.");
  }
  if (response.ok) return response;
  if (response.status === 401) byId("sign-in").hidden = false;
  const body = await response.json().catch(() => ({}));
  throw new Problem(response.status, body.title ?? `HTTP ${response.status}`, body.detail ?? "");
}

const askJson = async (path, signal) => (await ask(path, signal)).json();

/** `cache;desc=memory, decode;dur=1.2` as `{source: "memory", stages: [["decode", 1.2]]}`. */
function readTiming(header) {
  const timing = { source: null, stages: [] };
  for (const entry of (header ?? "").split(",")) {
    const [name, ...parameters] = entry.split(";").map((part) => part.trim());
    const value = (key) => parameters.find((p) => p.startsWith(`${key}=`))?.slice(key.length + 1).replaceAll('"', "");
    if (name === "cache") timing.source = value("desc") ?? null;
    else if (value("dur") !== undefined) timing.stages.push([name, Number(value("dur"))]);
  }
  return timing;
}

async function askPicture(path, signal) {
  const start = performance.now();
  const response = await ask(path, signal);
  const blob = await response.blob();
  const url = URL.createObjectURL(blob);
  const timing = readTiming(response.headers.get("Server-Timing"));
  return { url, bytes: blob.size, timing, trip: performance.now() - start, shownBefore: false };
}

// ---- Pictures that this page keeps ------------------------------------------------------------------------------

/** Pictures by address, the least recently shown dropped first. */
class Album {
  static BYTES_MAX = 192 * 1024 * 1024;
  #pictures = new Map();
  #bytes = 0;

  get(path) {
    const picture = this.#pictures.get(path);
    if (picture) {
      this.#pictures.delete(path);
      this.#pictures.set(path, picture);
    }
    return picture;
  }

  has(path) { return this.#pictures.has(path); }

  put(path, picture) {
    this.#drop(path);
    this.#pictures.set(path, picture);
    this.#bytes += picture.bytes;
    for (const oldest of this.#pictures.keys()) {
      if (this.#bytes <= Album.BYTES_MAX || this.#pictures.size <= 2) break;
      this.#drop(oldest);
    }
  }

  #drop(path) {
    const picture = this.#pictures.get(path);
    if (!picture) return;
    URL.revokeObjectURL(picture.url);
    this.#bytes -= picture.bytes;
    this.#pictures.delete(path);
  }
}

// ---- The viewer -------------------------------------------------------------------------------------------------

const COLOUR = /^(RGB|YBR|PALETTE)/;
/** A request still running after this many milliseconds gives way to a newer one. */
const PATIENCE_MS = 250;
const PREFETCHES_MAX = 2;
const PREFETCH_REACH = 6;
const FRAME_MS = 50;
/** Pictures beyond this many pixels are asked for in the size of the screen. */
const WHOLE_PIXELS_MAX = 2_500_000;

class Viewer {
  series = null;
  /** One entry a slice; a multi-frame instance has one for each of its frames. */
  places = [];
  at = 0;
  direction = 1;
  /** `{preset}` or `{window, level}`. */
  view = { preset: "default" };
  presets = [];
  /** While a hand drags the window, every picture has another window: nothing is worth fetching ahead. */
  dragging = false;
  #album = new Album();
  #current = null;
  #prefetches = new Map();
  #settled = 0;
  #playing = 0;

  open(study, series, images) {
    this.stop();
    this.#abortAll();
    this.study = study;
    this.series = series;
    this.view = { preset: "default" };
    this.places = images.flatMap((image) =>
      Array.from({ length: image.frame_count ?? 1 }, (_, frameIndex) => ({ image, frame: frameIndex + 1 })));
    this.at = Math.floor((this.places.length - 1) / 2);
    if (images.length === 1) this.at = 0;
    byId("viewer").classList.remove("idle");
    byId("picture").hidden = true;
    showError(this.places.length ? null : new Problem(0, "No pictures", "This series holds no pixel data."));
    this.#labels();
    this.#offerPresets();
    if (this.places.length) this.want(this.at);
  }

  get place() { return this.places[this.at]; }
  get unit() {
    if (this.places.length < 2) return "Picture";
    return this.place.image.frame_count > 1 ? "Frame" : "Slice";
  }
  get canWindow() { return Boolean(this.place) && !COLOUR.test(this.place.image.photometric_interpretation ?? ""); }

  /** Goes to a slice; out of range means the nearest one. */
  want(index) {
    if (!this.places.length) return;
    const next = Math.min(Math.max(index, 0), this.places.length - 1);
    if (next !== this.at) this.direction = Math.sign(next - this.at);
    this.at = next;
    const slider = byId("slider");
    slider.value = String(next + 1);
    slider.setAttribute("aria-valuetext", `${this.unit} ${next + 1} of ${this.places.length}`);
    byId("place").textContent = `${next + 1} / ${this.places.length}`;
    this.#load();
  }

  see(view) {
    if (!this.canWindow && view.preset !== "default") return;
    this.view = view;
    for (const button of byId("presets").children) {
      button.setAttribute("aria-pressed", String(button.dataset.preset === view.preset));
    }
    this.#load();
  }

  /** The window in use as `{window, level}`, or null while only the server knows. */
  used() { return this.place ? this.#used(this.view, this.place) : null; }

  #used(view, place) {
    if (view.window !== undefined) return view;
    const source = this.presets.find((preset) => preset.name === view.preset) ?? place.seen ?? place.image;
    return source?.window == null || source?.level == null ? null : { window: source.window, level: source.level };
  }

  /** The hand left the picture: the window will stay for a while. */
  release() {
    this.dragging = false;
    this.#prefetch();
  }

  togglePlay() {
    if (this.#playing) return this.stop();
    if (this.places.length < 2) return;
    this.#playing = setInterval(() => {
      if (!this.#current && !document.hidden) this.want((this.at + 1) % this.places.length);
    }, FRAME_MS);
    this.#labels();
  }

  stop() {
    clearInterval(this.#playing);
    this.#playing = 0;
    this.#labels();
  }

  #path(place) {
    const query = new URLSearchParams({ format: "png" });
    if (place.frame > 1) query.set("frame", place.frame);
    if (this.view.window !== undefined) {
      query.set("window", this.view.window);
      query.set("level", this.view.level);
    } else if (this.view.preset !== "default") {
      query.set("preset", this.view.preset);
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

  /** What the user wants to see now. */
  #wish() {
    const { place, at, view } = this;
    return { path: this.#path(place), place, at, view };
  }

  /** Shows the wanted picture, or asks for it. One direct request at a time: the newest wish waits for the one before
   *  it, so that fast scrolling shows pictures on the way, but not longer than `PATIENCE_MS`. */
  async #load() {
    const wish = this.#wish();
    const held = this.#album.get(wish.path);
    if (held) return this.#draw(wish, held);
    if (this.#current) {
      const { path, controller, start } = this.#current;
      if (path !== wish.path && performance.now() - start > PATIENCE_MS) controller.abort();
      return;
    }
    const { series } = this;
    const current = this.#ask(wish.path);
    this.#current = current;
    const overdue = setTimeout(() => wish.path !== this.#path(this.place) && current.controller.abort(), PATIENCE_MS);
    const outcome = await current.arrival.catch((error) => error);
    const failed = outcome instanceof Error;
    clearTimeout(overdue);
    if (this.#current === current) this.#current = null;
    if (!failed) this.#album.put(wish.path, outcome);
    if (series !== this.series) return;
    if (!failed) this.#draw(wish, outcome);
    if (wish.path !== this.#path(this.place) || outcome.name === "AbortError") this.#load();
    else if (failed) showError(outcome);
  }

  /** A request for a picture: the prefetch that is already on its way, or a new one in front of all prefetches. */
  #ask(path) {
    const start = performance.now();
    const prefetch = this.#prefetches.get(path);
    this.#prefetches.delete(path);
    if (prefetch) return { ...prefetch, path, start };
    this.#abortPrefetches(() => true);
    const controller = new AbortController();
    return { path, start, controller, arrival: askPicture(path, controller.signal) };
  }

  /** Everything written beside the picture belongs to the picture that is drawn, not to the one still on its way. */
  #draw({ path, place, at, view }, picture) {
    const element = byId("picture");
    showError(null);
    element.src = picture.url;
    element.hidden = false;
    const { rows, columns, sop_instance_uid: uid } = place.image;
    const total = this.places.length;
    element.alt = `${this.series.modality ?? "Image"}, ${this.unit.toLowerCase()} ${at + 1} of ${total}`;
    element.dataset.shown = `${uid}/${place.frame}/${view.preset ?? `${view.window},${view.level}`}`;
    byId("corner-slice").textContent = total > 1 ? `${this.unit} ${at + 1} / ${total}` : "";
    byId("fact-size").textContent = columns && rows ? `${columns} × ${rows}` : "–";
    this.#tellTiming(picture);
    picture.shownBefore = true;
    this.#tellWindow(this.#used(view, place));
    clearTimeout(this.#settled);
    if (path !== this.#path(this.place)) return;
    this.#prefetch();
    this.#settled = setTimeout(() => this.#settle(), 350);
  }

  /** What can wait until the user rests on a picture. */
  #settle() {
    say(`${this.unit} ${this.at + 1} of ${this.places.length}`);
    const place = this.place;
    if (this.used() || !this.canWindow) return;
    // Without a window in the file the server takes the frame's range; only its JSON answer tells which.
    askJson(this.#path(place).replace("format=png", "format=json")).then(({ window, level }) => {
      place.seen = { window, level };
      if (place === this.place) this.#tellWindow(this.used());
    }, () => {});
  }

  #prefetch() {
    if (this.dragging || this.#current) return;
    const near = [];
    for (let step = 1; step <= PREFETCH_REACH; step += 1) near.push(this.at + step * this.direction);
    near.push(this.at - this.direction, this.at - 2 * this.direction);
    const paths = near.filter((index) => this.places[index]).map((index) => this.#path(this.places[index]));
    this.#abortPrefetches((path) => !paths.includes(path));
    for (const path of paths) {
      if (this.#prefetches.size >= PREFETCHES_MAX) return;
      if (this.#album.has(path) || this.#prefetches.has(path)) continue;
      const controller = new AbortController();
      const arrival = askPicture(path, controller.signal);
      this.#prefetches.set(path, { controller, arrival });
      arrival.then((picture) => {
        // Gone from the list means that it was wanted directly meanwhile, and is being shown.
        if (!this.#prefetches.delete(path)) return;
        this.#album.put(path, picture);
        this.#prefetch();
      }, () => this.#prefetches.delete(path));
    }
  }

  #abortPrefetches(isStale) {
    for (const [path, { controller }] of this.#prefetches) {
      if (isStale(path)) {
        controller.abort();
        this.#prefetches.delete(path);
      }
    }
  }

  #abortAll() {
    this.#current?.controller.abort();
    this.#current = null;
    this.#abortPrefetches(() => true);
  }

  #tellWindow(used) {
    const known = used && this.canWindow;
    const text = (value) => String(Math.abs(value) >= 10 ? Math.round(value) : Number(value.toPrecision(3))).replace("-", "−");
    byId("fact-window").textContent = known ? text(used.window) : "–";
    byId("fact-level").textContent = known ? text(used.level) : "–";
    byId("corner-window").textContent = known ? `W ${text(used.window)}  L ${text(used.level)}` : "";
  }

  #tellTiming({ timing, trip, shownBefore }) {
    const source = { memory: "cached, memory", redis: "cached, Redis", postgres: "cached, Postgres", render: "rendered" };
    const spent = timing.stages.reduce((sum, [, ms]) => sum + ms, 0);
    byId("fact-source").textContent = shownBefore ? "held by this page" : source[timing.source] ?? timing.source ?? "–";
    byId("fact-server").textContent = timing.stages.length ? `${spent.toFixed(1)} ms` : "–";
    byId("fact-server").title = timing.stages.map(([name, ms]) => `${name} ${ms} ms`).join(", ");
    byId("fact-trip").textContent = shownBefore ? "none" : `${trip.toFixed(trip < 10 ? 1 : 0)} ms`;
  }

  #labels() {
    const count = this.places.length;
    byId("slider").max = String(Math.max(count, 1));
    byId("slider").disabled = count < 2;
    byId("slider-label").textContent = this.unit;
    byId("play").disabled = count < 2;
    byId("play").textContent = this.#playing ? "Pause" : "Play";
    byId("play").setAttribute("aria-pressed", String(Boolean(this.#playing)));
    byId("stage").classList.toggle("windowed", this.canWindow);
    const { study, series } = this;
    if (!series) return;
    byId("corner-patient").textContent = lines(personName(study.patient_name), study.patient_id, study.study_date);
    byId("corner-series").textContent = lines(study.study_description, series.series_description, series.modality);
    for (const id of ["fact-window", "fact-level", "fact-size", "fact-source", "fact-server", "fact-trip"]) {
      if (byId("picture").hidden) byId(id).textContent = "–";
    }
  }

  #offerPresets() {
    const fitting = this.canWindow ? allPresets.filter((preset) => preset.modality === this.series.modality) : [];
    this.presets = fitting;
    const choices = [{ name: "default", description: "The window that the file asks for" }, ...fitting];
    byId("presets").replaceChildren(...choices.map((preset, nth) => {
      const button = make("button", { type: "button", textContent: preset.name.replaceAll("_", " ") });
      button.title = preset.window ? `${preset.description} (W ${preset.window}, L ${preset.level})` : preset.description;
      button.dataset.preset = preset.name;
      if (nth < 10) button.setAttribute("aria-keyshortcuts", String(nth));
      button.setAttribute("aria-pressed", String(preset.name === this.view.preset));
      button.addEventListener("click", () => this.see({ preset: preset.name }));
      return button;
    }));
  }
}

// ---- Hands on the viewer ----------------------------------------------------------------------------------------

function listenToHands(viewer) {
  const stage = byId("stage");
  byId("slider").addEventListener("input", (event) => viewer.want(Number(event.target.value) - 1));
  byId("play").addEventListener("click", () => viewer.togglePlay());
  listenToWheel(stage, viewer);
  listenToDrag(stage, viewer);
  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
    if (event.key in steps) viewer.want(viewer.at + steps[event.key]);
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
    const wish = { window: Math.max(1, Math.round(window + (dx * reach) / 300)), level: Math.round(level + (dy * reach) / 400) };
    cancelAnimationFrame(due);
    due = requestAnimationFrame(() => viewer.see(wish));
  });
  const release = () => {
    if (viewer.dragging) viewer.release();
    grip = null;
  };
  stage.addEventListener("pointerup", release);
  stage.addEventListener("pointercancel", release);
}

// ---- Studies and series -----------------------------------------------------------------------------------------

const EMPTY_RETRY_MS = 3000;
const viewer = new Viewer();
let allPresets = [];
let emptyTimer = 0;

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const lines = (...values) => values.filter(Boolean).join("\n");
/** `Family^Given^Middle^Prefix^Suffix=…` as people write it. */
const personName = (name) => {
  const [family, ...given] = (name ?? "").split("=")[0].split("^").filter(Boolean);
  return family ? [family, given.join(" ")].filter(Boolean).join(", ") : "Unnamed patient";
};
const count = (number, noun) => `${number} ${number === 1 ? noun : noun === "series" ? noun : `${noun}s`}`;
const say = (text) => { byId("status").textContent = text; };

function showError(error) {
  byId("error").hidden = !error;
  byId("error").textContent = error?.message ?? "";
  byId("hint").hidden = Boolean(error ?? viewer.series);
}

/** The list, page by page: `after` is what the page before gave as `next`. */
async function listStudies(after) {
  clearTimeout(emptyTimer);
  const query = new URLSearchParams();
  const words = byId("query").value.trim();
  if (words) query.set("q", words);
  if (after) query.set("after", after);
  const { studies, next } = await askJson(`dicom/studies?${query}`);
  const items = studies.map(studyItem);
  if (after) byId("studies").append(...items);
  else byId("studies").replaceChildren(...items);
  byId("more").hidden = !next;
  byId("more").onclick = () => listStudies(next).catch(showError);
  say(`${studies.length} ${studies.length === 1 ? "study" : "studies"} listed`);
  if (!studies.length && !after) nothingYet(Boolean(words));
  return studies;
}

function nothingYet(searched) {
  const text = searched ? "No study matches." : "No studies yet. They appear here as they are indexed.";
  byId("studies").replaceChildren(make("li", { className: "empty", textContent: text }));
  if (!searched) emptyTimer = setTimeout(() => start().catch(showError), EMPTY_RETRY_MS);
}

function studyItem(study) {
  const button = make("button", { type: "button", className: "study" },
    make("strong", { textContent: personName(study.patient_name) }),
    make("span", { textContent: study.study_description || "No description" }),
    make("span", { textContent: [study.study_date, count(study.series_count, "series"), count(study.image_count, "image")].filter(Boolean).join(" · ") }),
    make("span", { className: "chips" }, ...(study.modalities ?? []).map((name) => make("b", { textContent: name }))));
  const list = make("ul", { className: "series-list", hidden: true });
  const item = make("li", {}, button, list);
  item.dataset.study = study.study_id;
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => {
    if (list.hidden) openStudy(item, study).catch(showError);
    else close(item);
  });
  return item;
}

function close(item) {
  item.querySelector(".study").setAttribute("aria-expanded", "false");
  item.querySelector(".series-list").hidden = true;
}

async function openStudy(item, study) {
  for (const other of byId("studies").children) if (other !== item && other.dataset.study) close(other);
  item.querySelector(".study").setAttribute("aria-expanded", "true");
  const list = item.querySelector(".series-list");
  list.hidden = false;
  const { series } = await askJson(`dicom/studies/${encodeURIComponent(study.study_id)}/series`);
  list.replaceChildren(...series.map((one) => make("li", {}, seriesButton(study, one))));
  remember({ study: study.study_id });
  showError(null);
}

function seriesButton(study, series) {
  const thumb = make("img", { className: "thumb", alt: "", width: 72, height: 72 });
  const name = series.series_description || series.body_part || "Series";
  const button = make("button", { type: "button", className: "series" }, thumb,
    make("span", {}, make("strong", { textContent: name }),
      make("span", { textContent: [series.modality, count(series.image_count, "image")].filter(Boolean).join(" · ") })));
  button.dataset.series = series.series_id;
  button.addEventListener("click", () => openSeries(button, study, series).catch(showError));
  thumbnails.observe(button);
  return button;
}

const seriesImages = async (seriesId) => (await askJson(`dicom/series/${encodeURIComponent(seriesId)}/images`)).images;

async function openSeries(button, study, series) {
  const images = await seriesImages(series.series_id);
  for (const other of document.querySelectorAll(".series[aria-current]")) other.removeAttribute("aria-current");
  button.setAttribute("aria-current", "true");
  remember({ study: study.study_id, series: series.series_id });
  viewer.open(study, series, images);
  byId("stage").focus({ preventScroll: true });
}

/** Loads the thumbnails of the series that are on the screen, of the image in the middle of each. */
const thumbnails = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    thumbnails.unobserve(target);
    loadThumbnail(target).catch(() => target.classList.add("no-thumb"));
  }
});

async function loadThumbnail(button) {
  const images = await seriesImages(button.dataset.series);
  const middle = images[Math.floor((images.length - 1) / 2)];
  if (!middle) return;
  const { url } = await askPicture(`dicom/images/${encodeURIComponent(middle.image_id)}/thumbnail?size=128`);
  const thumb = button.querySelector("img");
  thumb.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
  thumb.src = url;
}

// ---- Opening ----------------------------------------------------------------------------------------------------

/** Keeps what is open in the address, so that reloading or sharing it opens the same. */
const remember = (open) => history.replaceState(null, "", `#${new URLSearchParams(open)}`);

/** Lists the studies; opens the study and series that the address names, or the only study there is. */
async function start() {
  allPresets = (await askJson("dicom/presets")).presets;
  const studies = await listStudies();
  const address = new URLSearchParams(location.hash.slice(1));
  const named = address.get("study");
  if (named) {
    const study = studies.find((study) => [study.study_id, study.study_instance_uid].includes(named))
      ?? await askJson(`dicom/studies/${encodeURIComponent(named)}`);
    let item = [...byId("studies").children].find((item) => item.dataset.study === study.study_id);
    if (!item) byId("studies").prepend(item = studyItem(study));
    await openStudy(item, study);
    item.querySelector(`[data-series="${CSS.escape(address.get("series") ?? "")}"]`)?.click();
  } else if (studies.length === 1) {
    await openStudy(byId("studies").firstElementChild, studies[0]);
  }
}

const restart = () => start().catch(showError);
byId("refresh").addEventListener("click", restart);
addEventListener("hashchange", restart);
let typing = 0;
byId("search").addEventListener("submit", (event) => event.preventDefault());
byId("query").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => listStudies().catch(showError), 250);
});
byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN_KEY, byId("token").value.trim());
  byId("token").value = "";
  byId("sign-in").hidden = true;
  showError(null);
  restart();
});
listenToHands(viewer);
restart();
