// The measurements of a study, kept by this browser.

const PREFIX = "noctis-measures/";
const KEPT_MAX = 500;

const isPoint = (point) => Number.isFinite(point?.x) && Number.isFinite(point?.y);
const isNote = (note) => typeof note?.id === "string" && typeof note.kind === "string" && Array.isArray(note.points) && note.points.every(isPoint);

export class Notes {
  #kept = new Map();

  /** Of a study, the oldest first. */
  of(studyUid) {
    if (!this.#kept.has(studyUid)) this.#kept.set(studyUid, read(studyUid));
    return this.#kept.get(studyUid);
  }

  /** Of one frame. */
  on(studyUid, instance, frame) {
    return this.of(studyUid).filter((note) => note.instance === instance && note.frame === frame);
  }

  /** Adds one; the oldest of a study with too many goes. */
  add(studyUid, note) {
    const made = { id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, made: new Date().toISOString(), ...note };
    this.#kept.set(studyUid, [...this.of(studyUid), made].slice(-KEPT_MAX));
    return made;
  }

  remove(studyUid, id) {
    this.#kept.set(studyUid, this.of(studyUid).filter((note) => note.id !== id));
    this.keep(studyUid);
  }

  clear(studyUid) {
    this.#kept.set(studyUid, []);
    this.keep(studyUid);
  }

  /** Writes them down; a browser that keeps nothing loses them with the page. */
  keep(studyUid) {
    try {
      if (this.of(studyUid).length) localStorage.setItem(PREFIX + studyUid, JSON.stringify(this.of(studyUid)));
      else localStorage.removeItem(PREFIX + studyUid);
    } catch { /* Nothing is kept here. */ }
  }
}

/** Other tabs and older pages write there, too: what is none of ours is left out. */
function read(studyUid) {
  try {
    const read = JSON.parse(localStorage.getItem(PREFIX + studyUid) ?? "[]");
    return Array.isArray(read) ? read.filter(isNote).slice(-KEPT_MAX) : [];
  } catch {
    return [];
  }
}
