// Files from this machine into the archive: dropped or chosen, one request each (STOW-RS, PS3.18 10.5), with what became of each.

import { byId, make, say } from "./elements.js";
import { isLinked } from "./link.js";
import { askToStore } from "./server.js";
import { t } from "./words.js";

/** Requests at a time. */
const AT_ONCE = 3;
/** Refused files that are told one by one. */
const TOLD_MAX = 200;
/** Why a file was not stored (PS3.4 table B.2-1, PS3.18 table 10.5.3-1), where the server has no words for it. */
const REASONS = { 0x0111: t("upload.other"), 0xa900: t("upload.elsewhere"), 0x0124: t("upload.forbidden"), 0xc000: t("upload.unread") };

export class Uploads {
  #stored;
  /** Counts of the round that is under way. */
  #round = null;

  /** `stored()` when a round has ended that stored something. */
  constructor(stored) {
    this.#stored = stored;
    // Who has a link looks at what it is of.
    byId("add").hidden = isLinked;
    if (isLinked) return;
    byId("files").addEventListener("change", ({ target }) => {
      this.send([...target.files]);
      target.value = "";
    });
    byId("add").addEventListener("click", () => byId("files").click());
    byId("upload-stop").addEventListener("click", () => this.#stop());
    byId("upload-close").addEventListener("click", () => { byId("uploads").hidden = true; });
    listenToDrops((files) => this.send(files));
  }

  /** Sends files, those of a round that is under way behind it. */
  send(files) {
    const seen = files.filter(({ name }) => !name.startsWith("."));
    if (!seen.length) return;
    if (!this.#round) this.#begin();
    const round = this.#round;
    round.waiting.push(...seen);
    round.total += seen.length;
    while (round.running < AT_ONCE && round.waiting.length) this.#next(round);
    this.#tell(round);
  }

  #begin() {
    this.#round = { waiting: [], running: 0, total: 0, stored: 0, refused: 0, requests: new Set() };
    byId("uploads").hidden = false;
    byId("upload-list").replaceChildren();
    byId("upload-stop").hidden = false;
    byId("upload-close").hidden = true;
  }

  async #next(round) {
    const file = round.waiting.shift();
    if (!file) return;
    round.running += 1;
    const refusal = await store(file, round.requests);
    round.running -= 1;
    if (refusal === null) round.stored += 1;
    else this.#refuse(round, file, refusal);
    this.#tell(round);
    if (round.waiting.length) this.#next(round);
    else if (!round.running) this.#end(round);
  }

  #refuse(round, file, reason) {
    round.refused += 1;
    if (round.refused > TOLD_MAX) return;
    byId("upload-list").append(make("li", {}, make("strong", { textContent: file.path ?? file.name }), ` ${reason}`));
  }

  #stop() {
    const round = this.#round;
    if (!round) return;
    round.total -= round.waiting.length;
    round.waiting = [];
    for (const request of round.requests) request.abort();
  }

  #tell({ total, stored, refused }) {
    Object.assign(byId("upload-progress"), { max: Math.max(total, 1), value: stored + refused });
    byId("upload-count").textContent = refused ? t("upload.refused", { stored, total, refused }) : t("upload.stored", { stored, total });
  }

  #end(round) {
    this.#round = null;
    byId("upload-stop").hidden = true;
    byId("upload-close").hidden = false;
    say(byId("upload-count").textContent);
    if (round.stored) this.#stored();
  }
}

/** Stores one file; why it was not, or `null`. */
async function store(file, requests) {
  const request = new AbortController();
  requests.add(request);
  try {
    await askToStore(file, request.signal);
    return null;
  } catch (error) {
    return error.name === "AbortError" ? t("upload.stopped") : reasonOf(error);
  } finally {
    requests.delete(request);
  }
}

/** From the Store Instances Response Module (PS3.18 I.2.2), or the words of the problem. */
function reasonOf({ message, body }) {
  const item = body?.["00081198"]?.Value?.[0] ?? body?.["0008119A"]?.Value?.[0];
  return item?.["00000902"]?.Value?.[0] ?? REASONS[item?.["00081197"]?.Value?.[0]] ?? message;
}

/** Files and folders that are dropped anywhere on the page. */
function listenToDrops(take) {
  const hasFiles = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
  const room = document.body;
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    room.classList.add("receiving");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) room.classList.remove("receiving");
  });
  addEventListener("drop", (event) => {
    room.classList.remove("receiving");
    if (!hasFiles(event)) return;
    event.preventDefault();
    // Gone with the event.
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const loose = entries.length ? [] : [...event.dataTransfer.files];
    Promise.all(entries.map(filesIn)).then((found) => take([...loose, ...found.flat()]));
  });
}

/** All files in what was dropped, folders in folders too, each with its `path`. */
async function filesIn(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve) => { entry.file(resolve, () => resolve(null)); });
    return file ? [Object.assign(file, { path: entry.fullPath.replace(/^\//, "") })] : [];
  }
  const reader = entry.createReader();
  const entries = [];
  for (;;) {
    // A folder is told in portions.
    const portion = await new Promise((resolve) => { reader.readEntries(resolve, () => resolve([])); });
    if (!portion.length) break;
    entries.push(...portion);
  }
  return (await Promise.all(entries.map(filesIn))).flat();
}
