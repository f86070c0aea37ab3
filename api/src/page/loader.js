// Fetches the pictures that the viewer wants, and the ones it will probably want next.

import { Album } from "./album.js";
import { askPicture } from "./server.js";

/** A request still running after this many milliseconds gives way to a newer one. */
const PATIENCE_MS = 250;
const PREFETCHES_MAX = 2;

/**
 * One direct request at a time. The newest wish waits for the one before it, so that fast scrolling shows pictures on
 * the way, but not longer than `PATIENCE_MS`. Prefetches stand back: a new direct request ends them.
 */
export class Loader {
  #desk;
  #album = new Album();
  #current = null;
  #prefetches = new Map();

  /** `desk.wish()` is what the user wants now, at least `{path, series}`, and `desk.isWaiting()` whether the server has to draw
   *  it; `desk.draw(wish, picture)` and `desk.fail(error)` take the outcome; `desk.ahead()` lists paths worth fetching, the likeliest first. */
  constructor(desk) {
    this.#desk = desk;
  }

  get isBusy() { return this.#current !== null; }

  /** Draws the wanted picture at once if it is here, or asks for it. */
  async load() {
    if (!this.#desk.isWaiting()) return;
    const wish = this.#desk.wish();
    const held = this.#album.get(wish.path);
    if (held) return this.#deliver(wish, held);
    if (this.#current) {
      const { path, controller, start } = this.#current;
      if (path !== wish.path && performance.now() - start > PATIENCE_MS) controller.abort();
      return;
    }
    const current = this.#ask(wish.path);
    this.#current = current;
    const overdue = setTimeout(() => this.#isStale(wish) && current.controller.abort(), PATIENCE_MS);
    const outcome = await current.arrival.catch((error) => error);
    clearTimeout(overdue);
    if (this.#current === current) this.#current = null;
    this.#settle(wish, outcome);
  }

  #settle(wish, outcome) {
    const failed = outcome instanceof Error;
    if (!failed) this.#album.put(wish.path, outcome);
    // Another series was opened meanwhile, which asked for itself.
    if (this.#desk.wish().series !== wish.series || !this.#desk.isWaiting()) return;
    if (!failed) this.#deliver(wish, outcome);
    if (this.#isStale(wish) || outcome.name === "AbortError") this.load();
    else if (failed) this.#desk.fail(outcome);
  }

  #deliver(wish, picture) {
    this.#desk.draw(wish, picture);
    picture.shownBefore = true;
    if (!this.#isStale(wish)) this.prefetch();
  }

  #isStale(wish) { return wish.path !== this.#desk.wish().path; }

  /** The prefetch that is already on its way, or a new request in front of all prefetches. */
  #ask(path) {
    const start = performance.now();
    const prefetch = this.#prefetches.get(path);
    this.#prefetches.delete(path);
    if (prefetch) return { ...prefetch, path, start };
    this.#abortPrefetches(() => true);
    const controller = new AbortController();
    return { path, start, controller, arrival: askPicture(path, controller.signal) };
  }

  prefetch() {
    if (this.#current) return;
    const paths = this.#desk.ahead();
    this.#abortPrefetches((path) => !paths.includes(path));
    for (const path of paths) {
      if (this.#prefetches.size >= PREFETCHES_MAX) return;
      if (!this.#album.has(path) && !this.#prefetches.has(path)) this.#startPrefetch(path);
    }
  }

  #startPrefetch(path) {
    const controller = new AbortController();
    const arrival = askPicture(path, controller.signal);
    this.#prefetches.set(path, { controller, arrival });
    arrival.then((picture) => {
      // Gone from the list means that it was wanted directly meanwhile, and is being shown.
      if (!this.#prefetches.delete(path)) return;
      this.#album.put(path, picture);
      this.prefetch();
    }, () => this.#prefetches.delete(path));
  }

  #abortPrefetches(isUnwanted) {
    for (const [path, { controller }] of this.#prefetches) {
      if (!isUnwanted(path)) continue;
      controller.abort();
      this.#prefetches.delete(path);
    }
  }

  /** Ends every request. */
  abortAll() {
    this.#current?.controller.abort();
    this.#current = null;
    this.#abortPrefetches(() => true);
  }
}
