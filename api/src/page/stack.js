// The samples of the open series: those around the slice that is shown, then all others, in one request each. Where these would
// take long they come small before they come whole.

import { greyOf } from "./grey.js";
import { kept } from "./marks.js";
import { askJson, askStream } from "./server.js";

const BYTES_PER_PIXEL = 2;
/** Slices to each side that come before all others. */
const NEAR = 12;
/** What comes after those in longer than this comes small first, so that a hand may go anywhere at once. */
const SLOW_MS = 3_000;
/** Longest side of what comes small, in pixels. */
const SMALL_SIDE = 128;
/** How slices come: as PNG, or bare, which are twice the bytes and a fifth of the work for both ends. */
const PACKED = "png16";
const BARE = "raw16";
/** Where PNG came as fast as this, in bytes a millisecond of waiting for them, so many slices are tried bare. What was quicker goes on. */
const FAST = 20_000;
const TRIED = 24;
/** Where not all of a series is held, and the hand is so near to the end of what is, what comes next is asked for. */
const AHEAD = 96;
/** Ranges in one request, as many as the server takes. */
const RANGES_MAX = 100;
/** Slices in a range: of these the nearest may come last. */
const RANGE = 16;
/** So long after a hand has jumped to what is not held the stream begins anew where it is. */
const REST_MS = 150;
/** After a failure, and how many of them a series may have. */
const RETRY_MS = 5_000;
const FAILURES_MAX = 3;

export class Stack {
  /** Whether it is still to come what this page can draw. */
  isOpening = false;
  #tell;
  #bytesMax;
  #series = null;
  #places = [];
  #byName = new Map();
  /** What the header says, by place; none where the server has to draw. */
  #greys = new Map();
  #slices = new Map();
  /** What came small, of places that are not here yet. */
  #small = new Map();
  /** Whether what was asked for bare did not come. */
  #isBareRefused = false;
  /** What has come whole, by how it came. */
  #paces = { [PACKED]: unpaced(), [BARE]: unpaced() };
  #isSmallDone = false;
  /** Places that came without a picture. */
  #refused = new Set();
  #worker = null;
  /** Counts what was asked for, so that nobody takes late answers for new ones. */
  #stream = 0;
  #running = null;
  #timer = 0;
  /** Runs while the hand is where nothing is held. */
  #rest = 0;
  #failures = 0;
  #center = 0;
  /** Bytes that there was room for when the stream began, and first and last index that had room together. */
  #room = 0;
  #reached = [0, 0];

  /** `tell(place)` when its samples have come; `bytesMax()` is what they may take together. */
  constructor(tell, bytesMax) {
    this.#tell = tell;
    this.#bytesMax = bytesMax;
  }

  /** Takes the series into hand; `places` are its frames as they are shown, each with its `position` on the server. */
  async open(study, series, places, center) {
    this.close();
    this.#series = series;
    this.#places = places;
    this.#byName = new Map(places.map((place) => [`${place.image.image_id}/${place.frame}`, place]));
    this.#center = center;
    if (!places.some(({ image }) => /^MONOCHROME/.test(image.photometric_interpretation ?? ""))) return;
    this.isOpening = true;
    const headers = await headersOf(study, series).finally(() => { if (this.#series === series) this.isOpening = false; });
    if (this.#series !== series) return;
    for (const place of places) {
      const header = headers.get(place.image.sop_instance_uid);
      if (!header) continue;
      place.header = kept(header);
      const grey = greyOf(header, place.frame);
      if (grey) this.#greys.set(place, grey);
    }
    this.#fill();
  }

  close() {
    this.#stop();
    this.isOpening = false;
    for (const timer of [this.#timer, this.#rest]) clearTimeout(timer);
    this.#rest = 0;
    this.#isBareRefused = false;
    this.#failures = 0;
    this.#series = null;
    this.#isSmallDone = false;
    this.#paces = { [PACKED]: unpaced(), [BARE]: unpaced() };
    for (const kept of [this.#greys, this.#slices, this.#small, this.#refused]) kept.clear();
  }

  get count() { return this.#slices.size; }

  /** `{grey, slice}`; `null` where the server has to draw, or draws until the samples are here. What is small is so by `isSmall`. */
  at(place) {
    const slice = this.#slices.get(place) ?? this.#small.get(place);
    return slice ? { grey: this.#greys.get(place), slice } : null;
  }

  /** What the header says of this place, as `grey.js` has it; `null` where the server has to draw it. */
  greyOf(place) { return this.#greys.get(place) ?? null; }

  /** Whether this place is one whose samples are here or will come. */
  takes(place) { return this.#greys.has(place) && !this.#refused.has(place); }

  /** The hand is at this index: what is around it comes first. */
  around(index) {
    this.#center = index;
    const place = this.#places[index];
    if (this.#isLeaving(index)) return this.#fill();
    if (!this.takes(place) || this.#slices.has(place) || this.#running?.next.has(place)) return;
    // A cine never rests: the stream begins where it is by then.
    this.#rest ||= setTimeout(() => {
      this.#rest = 0;
      const now = this.#places[this.#center];
      if (this.takes(now) && !this.#slices.has(now) && !this.#running?.next.has(now)) this.#fill();
    }, REST_MS);
  }

  /** Whether the hand comes near to an end of what is held, and there is more beyond. */
  #isLeaving(index) {
    const [first, last] = this.#reached;
    const margin = Math.min(AHEAD, (last - first) >> 2);
    const isNear = (first > 0 && index - first < margin) || (last < this.#places.length - 1 && last - index < margin);
    return isNear && index >= first && index <= last && !this.#running && !this.#failures && this.#greys.size > 0;
  }

  /** There may be room for more than there was, or for less. */
  fit() {
    if (this.#series && !this.isOpening && this.#bytesMax() !== this.#room) this.#fill();
  }

  /** Drops what is too far away, and asks for what is missing. */
  #fill() {
    const [first, last] = this.#reached = this.#reach();
    for (const [place] of this.#slices) {
      if (place.index < first || place.index > last) this.#slices.delete(place);
    }
    const isMissing = (place) => this.takes(place) && !this.#slices.has(place);
    const [near, before] = [Math.max(first, this.#center - NEAR), Math.min(last, this.#center + NEAR)];
    const portions = [[near, before], [before + 1, last], [first, near - 1]]
      .map(([from, to]) => this.#places.slice(from, Math.max(from, to + 1)).filter(isMissing));
    // The nearest first.
    portions[2].reverse();
    this.#stop();
    const rest = portions.slice(1);
    const wanted = portions[0].length ? [portions[0]] : rest;
    if (!wanted.flat().length) return;
    const isSmall = !portions[0].length && this.#isSlow(rest.flat());
    const format = isSmall ? PACKED : this.#format();
    const isTrial = format === BARE && !this.#paces[BARE].slices;
    const asked = isTrial ? [wanted.flat().slice(0, TRIED)] : wanted;
    this.#ask(asked, { next: portions[0], format, isSmall }).catch((error) => this.#fail(error));
  }

  /** How slices come the quickest, as far as that is known. */
  #format() {
    const { [PACKED]: packed, [BARE]: bare } = this.#paces;
    if (!IS_LOW_BYTE_FIRST || this.#isBareRefused || !packed.slices) return PACKED;
    if (!bare.slices) return packed.bytes > FAST * packed.waited ? BARE : PACKED;
    return perSlice(bare) < perSlice(packed) ? BARE : PACKED;
  }

  /** Whether it would take long until all of these are here. */
  #isSlow(places) {
    const pace = this.#paces[this.#format()];
    return !this.#isSmallDone && pace.slices > 0 && places.length > 2 * NEAR && places.length * perSlice(pace) > SLOW_MS;
  }

  /** First and last index around the center that have room together. */
  #reach() {
    const room = (index) => this.#places[index].image.rows * this.#places[index].image.columns * BYTES_PER_PIXEL;
    const most = this.#room = this.#bytesMax();
    let [first, last, bytes] = [this.#center, this.#center, room(this.#center)];
    const away = (index) => Math.abs(index - this.#center);
    for (;;) {
      const grown = [last + 1, first - 1].filter((index) => index in this.#places)
        .sort((one, other) => away(one) - away(other))[0];
      if (grown === undefined || bytes + room(grown) > most) return [first, last];
      bytes += room(grown);
      [first, last] = [Math.min(first, grown), Math.max(last, grown)];
    }
  }

  /** Asks for the places of these portions, one portion after the other. */
  async #ask(portions, { next, format, isSmall }) {
    const running = { stream: ++this.#stream, controller: new AbortController(), next: new Set(next), format, isSmall, came: unpaced() };
    this.#running = running;
    const ranges = portions.flatMap(rangesOf).slice(0, RANGES_MAX);
    const query = new URLSearchParams({ format, frames: ranges.join(",") });
    if (isSmall) for (const side of ["width", "height"]) query.set(side, SMALL_SIDE);
    const path = `dicom/series/${encodeURIComponent(this.#series.series_id)}/frames?${query}`;
    const start = performance.now();
    const response = await askStream(path, running.controller.signal);
    running.came.waited = performance.now() - start;
    await this.#decode(running, response);
    if (this.#running !== running) return;
    running.came.ms = performance.now() - start;
    if (!isSmall) for (const [name, value] of Object.entries(running.came)) this.#paces[format][name] += value;
    this.#running = null;
    if (isSmall) this.#isSmallDone = true;
    // A stream without any of what it was asked for would be asked for ever; of what did not come bare PNG may.
    else if (!this.#wasBareRefused(format) && portions.flat().every((place) => this.takes(place) && !this.#slices.has(place))) return this.#giveUp();
    this.#failures = 0;
    // What comes after these; more ranges than one request takes.
    this.#fill();
  }

  #wasBareRefused(format) { return format === BARE && this.#isBareRefused; }

  /** Hands the stream to the worker, a chunk at a time: what it has not taken waits with the server. */
  async #decode({ stream, came }, response) {
    const worker = this.#worker ??= new Worker("/page/decoder.js", { type: "module" });
    let taken = () => {};
    const end = new Promise((resolve, reject) => {
      worker.onerror = () => reject(new Error("the decoder failed"));
      worker.onmessage = ({ data }) => {
        if (data.stream !== stream) return;
        // What comes late of a stream that was given up is of no use to the one after it.
        if (data.slice && this.#running?.stream === stream) this.#keep(data.slice);
        if (data.isTaken || data.isEnded) taken();
        if (data.isEnded) data.error ? reject(new Error(data.error)) : resolve();
      };
    });
    // It may fail while nobody waits for it yet.
    end.catch(() => {});
    worker.postMessage({ stream, contentType: response.headers.get("Content-Type") });
    const reader = response.body.getReader();
    for (;;) {
      const start = performance.now();
      const { done, value: chunk } = await reader.read();
      came.waited += performance.now() - start;
      if (done) break;
      came.bytes += chunk.length;
      const room = new Promise((resolve) => { taken = resolve; });
      worker.postMessage({ stream, chunk }, [chunk.buffer]);
      await Promise.race([room, end]);
    }
    worker.postMessage({ stream, isLast: true });
    await end;
  }

  #keep({ imageId, frame, ...slice }) {
    const place = this.#byName.get(`${imageId}/${frame}`);
    if (!place) return;
    const { rows, columns } = this.#greys.get(place) ?? {};
    if (this.#running?.isSmall) {
      if (slice.samples && !this.#slices.has(place)) this.#small.set(place, { ...slice, isSmall: true });
      return this.#tell(place);
    }
    // Pixels that are not square come in another size than the frame has: the server draws these.
    this.#small.delete(place);
    const isWhole = slice.samples && slice.rows === rows && slice.columns === columns;
    if (isWhole) this.#slices.set(place, slice);
    else if (this.#running?.format === BARE) this.#isBareRefused = true;
    else this.#refused.add(place);
    if (this.#running) this.#running.came.slices += 1;
    this.#running?.next.delete(place);
    this.#tell(place);
  }

  /** The server draws until the stream can begin anew. */
  #fail(error) {
    if (error.name === "AbortError") return;
    const isBare = this.#running?.format === BARE;
    this.#stop();
    // What is refused once is refused again, but for too many requests. What is held stays.
    const isRefused = error.status >= 400 && error.status < 500 && error.status !== 429;
    // A server of the release before.
    if (isRefused && isBare) {
      this.#isBareRefused = true;
      return this.#fill();
    }
    this.#failures += 1;
    if (isRefused || this.#failures > FAILURES_MAX) return this.#giveUp();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#series && this.#fill(), RETRY_MS);
  }

  /** From now on the server draws what is not held. */
  #giveUp() {
    for (const place of this.#places) if (!this.#slices.has(place)) this.#refused.add(place);
    this.#tell(this.#places[this.#center]);
  }

  #stop() {
    this.#running?.controller.abort();
    this.#running = null;
  }
}

/** Whether the low byte of a number comes first here, as in what is sent bare. */
const IS_LOW_BYTE_FIRST = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Slices, the milliseconds that they took, those of them in which nothing came, and their bytes as they were sent. */
const unpaced = () => ({ slices: 0, ms: 0, waited: 0, bytes: 0 });
const perSlice = ({ slices, ms }) => ms / slices;

/** Headers by SOP Instance UID. */
async function headersOf(study, series) {
  const [studyUid, seriesUid] = [study.study_instance_uid, series.series_instance_uid].map(encodeURIComponent);
  const headers = await askJson(`/dicom-web/studies/${studyUid}/series/${seriesUid}/metadata`);
  return new Map(headers.map((header) => [header["00080018"]?.Value?.[0], header]));
}

/** Positions on the server as ranges, `3-7`: what stands first in the list comes first, as far as ranges let it, which go up. */
function rangesOf(places) {
  const ranges = [];
  for (let at = 0; at < places.length; at += RANGE) {
    for (const position of places.slice(at, at + RANGE).map((place) => place.position).sort((one, other) => one - other)) {
      const last = ranges.at(-1);
      if (last && last[1] === position - 1) last[1] = position;
      else ranges.push([position, position]);
    }
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`));
}
