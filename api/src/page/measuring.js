// Measuring on the panes: what a hand draws, what it takes hold of again, and the list of what there is.

import { confirmed, handOver } from "./dialogs.js";
import { drawNote, place, placeBack } from "./drawing.js";
import { byId, make, say } from "./elements.js";
import { spacingOf } from "./marks.js";
import { KINDS, forReport, resultText, resultsOf } from "./measures.js";
import { Notes } from "./notes.js";
import { pointOn } from "./pane.js";
import { askJson } from "./server.js";
import { t } from "./words.js";

/** Pixels of the stage within which a hand takes hold of a point. */
const REACH = 9;
/** Shorter than this, in pixels of the stage, nothing was drawn. */
const DRAWN_MIN = 4;
/** Half the length of what a key puts into the middle, in pixels of the frame. */
const HALF_LENGTH = 20;

export class Measuring {
  #panes;
  #notes = new Notes();
  /** The id of the measurement that keys move and delete. */
  #chosen = null;
  /** What the list was made of. */
  #listed = "";
  /** Results by measurement, so that a region is not gone through again for each picture. */
  #results = new WeakMap();

  constructor(panes) {
    this.#panes = panes;
    panes.onLaid((viewer) => this.#draw(viewer));
    panes.onActive(() => this.#list());
    byId("export").addEventListener("click", () => this.#export());
    byId("clear").addEventListener("click", () => this.#clear());
  }

  isTool(tool) { return tool in KINDS; }

  /** What a drag with a measuring tool, or of a point that is there, does from now on; `null` where it does neither. */
  grip(viewer, tool, event) {
    if (!viewer.ofFrame) return null;
    const start = pointOn(viewer, event);
    const held = this.#pointAt(viewer, start);
    if (held) return this.#moves(viewer, held.note, held.nth, start);
    if (!this.isTool(tool)) return null;
    const at = placeBack(viewer.ofFrame, start);
    const open = this.#openAngle(viewer);
    const note = tool === "angle" && open ? this.#extended(open, at) : this.#begin(viewer, tool, at);
    return this.#moves(viewer, note, note.points.length - 1, start);
  }

  #begin(viewer, kind, at) {
    const points = kind === "probe" ? [at] : [at, at];
    return this.#add(viewer, kind, points);
  }

  #add(viewer, kind, points) {
    const { image, frame } = viewer.told.place;
    const note = this.#notes.add(viewer.study.study_instance_uid, { kind, points, instance: image.sop_instance_uid, frame });
    this.#chosen = note.id;
    return note;
  }

  /** The second side of an angle begins at its corner, wherever the hand takes hold. */
  #extended(note, at) {
    note.points = [...note.points, at];
    return note;
  }

  #openAngle(viewer) {
    const chosen = this.#on(viewer).find(({ id }) => id === this.#chosen);
    return chosen?.kind === "angle" && chosen.points.length === 2 ? chosen : null;
  }

  #moves(viewer, note, nth, start) {
    this.#chosen = note.id;
    const from = place(viewer.ofFrame, note.points[nth]);
    const move = (dx, dy) => {
      // What the server said is of where it was.
      delete note.value;
      note.points = note.points.map((point, index) => (index === nth ? placeBack(viewer.ofFrame, { x: from.x + dx, y: from.y + dy }) : point));
      this.#draw(viewer);
    };
    // A point that is begun is where the hand is.
    if (Math.hypot(from.x - start.x, from.y - start.y) > REACH) move(start.x - from.x, start.y - from.y);
    this.#draw(viewer);
    return Object.assign(move, { end: () => this.#end(viewer, note) });
  }

  /** The hand let go. */
  #end(viewer, note) {
    const studyUid = viewer.study.study_instance_uid;
    const seen = note.points.map((point) => place(viewer.ofFrame, point));
    const isNothing = note.kind !== "probe" && seen.slice(1).some((point, nth) => Math.hypot(point.x - seen[nth].x, point.y - seen[nth].y) < DRAWN_MIN);
    if (isNothing) this.#notes.remove(studyUid, note.id);
    else this.#notes.keep(studyUid);
    if (note.kind === "probe") this.#ask(viewer, note);
    this.#tell(viewer);
    if (!isNothing) say(this.#lines(viewer, note).join(", "));
  }

  /** The value under a probe, from the server where the samples are not here. */
  async #ask(viewer, note) {
    if (viewer.samples) return;
    const [{ image, frame }, { points, points: [point] }] = [viewer.told.place, note];
    const [x, y] = [point.x, point.y].map(Math.floor);
    const told = await askJson(`dicom/images/${encodeURIComponent(image.image_id)}/explain?frame=${frame}&x=${x}&y=${y}`).catch(() => null);
    if (typeof told?.modality_value !== "number" || note.points !== points) return;
    note.value = told.modality_value;
    this.#notes.keep(viewer.study.study_instance_uid);
    this.#tell(viewer);
  }

  #pointAt(viewer, at) {
    for (const note of this.#on(viewer)) {
      const nth = note.points.findIndex((point) => {
        const seen = place(viewer.ofFrame, point);
        return Math.hypot(seen.x - at.x, seen.y - at.y) <= REACH;
      });
      if (nth >= 0) return { note, nth };
    }
    return null;
  }

  /** Puts a measurement into the middle of the frame, for who has no mouse. */
  put(viewer, kind) {
    if (!this.isTool(kind) || !viewer.ofFrame) return;
    const { rows, columns } = viewer.told.place.image;
    const [x, y] = [columns / 2, rows / 2];
    const points = [{ x: x - HALF_LENGTH, y: y - HALF_LENGTH / 2 }, { x: x + HALF_LENGTH, y: y + HALF_LENGTH / 2 }, { x: x + HALF_LENGTH, y }];
    const note = this.#add(viewer, kind, kind === "probe" ? [{ x, y }] : points.slice(0, KINDS[kind].points));
    this.#end(viewer, note);
  }

  /** Moves the last point of what is chosen, by pixels of the stage; whether there is one. */
  nudge(viewer, dx, dy) {
    const note = this.#on(viewer).find(({ id }) => id === this.#chosen);
    if (!note) return false;
    this.#moves(viewer, note, note.points.length - 1, place(viewer.ofFrame, note.points.at(-1)))(dx, dy);
    this.#end(viewer, note);
    return true;
  }

  remove(viewer, id = this.#chosen) {
    if (!id || !viewer.study) return;
    this.#notes.remove(viewer.study.study_instance_uid, id);
    this.#chosen = null;
    say(t("measure.deleted"));
    this.#tell(viewer);
  }

  async #clear() {
    const { study } = this.#panes.active;
    if (!study || !await confirmed(t("measure.ask"), t("act.delete"))) return;
    this.#notes.clear(study.study_instance_uid);
    say(t("measure.cleared"));
    this.#tell(this.#panes.active);
  }

  /** The measurements on what is drawn in a pane. */
  #on({ study, told: { place: drawn } }) {
    return drawn ? this.#notes.on(study.study_instance_uid, drawn.image.sop_instance_uid, drawn.frame) : [];
  }

  #tell(viewer) {
    for (const other of this.#panes.viewers) if (other.study?.study_instance_uid === viewer.study?.study_instance_uid) this.#draw(other);
    this.#list();
  }

  #draw(viewer) {
    const { drawing } = this.#panes.partsOf(viewer);
    for (const old of drawing.querySelectorAll(".note")) old.remove();
    if (!viewer.ofFrame) return;
    const drawn = this.#on(viewer).map((note) => drawNote(note, viewer.ofFrame, this.#lines(viewer, note), note.id === this.#chosen));
    drawing.append(...drawn);
    if (viewer === this.#panes.target && this.#listed !== this.#namesOf(viewer)) this.#list();
  }

  #lines(viewer, note) { return this.#resultsOf(viewer, note).map(resultText); }

  #resultsOf(viewer, note) {
    const { place: drawn } = viewer.told;
    const { samples } = viewer;
    const known = this.#results.get(note);
    if (known && known.points === note.points && known.samples === samples && known.value === note.value) return known.results;
    const results = resultsOf(note, spacingOf(drawn), samples, drawn.image.unit);
    this.#results.set(note, { points: note.points, samples, value: note.value, results });
    return results;
  }

  #namesOf({ study }) { return study ? this.#notes.of(study.study_instance_uid).map(({ id }) => id).join() : ""; }

  /** Every measurement of the study in the active pane, to go to and to delete. */
  #list() {
    const viewer = this.#panes.target;
    this.#listed = this.#namesOf(viewer);
    const notes = viewer.study ? this.#notes.of(viewer.study.study_instance_uid) : [];
    byId("measures").hidden = !notes.length;
    byId("keys").hidden = notes.length > 0;
    const here = new Set(this.#on(viewer));
    byId("measure-list").replaceChildren(...notes.map((note) => this.#row(viewer, note, here.has(note))));
  }

  #row(viewer, note, isHere) {
    const index = viewer.places.findIndex(({ image, frame }) => image.sop_instance_uid === note.instance && frame === note.frame);
    const where = index < 0 ? t("measure.elsewhere") : `${viewer.unit.name} ${index + 1}`;
    const text = [KINDS[note.kind]?.name, where, ...(isHere ? this.#lines(viewer, note) : [])].filter(Boolean).join(" · ");
    const go = make("button", { type: "button", className: "quiet", textContent: text, disabled: index < 0 });
    go.addEventListener("click", () => {
      this.#chosen = note.id;
      viewer.want(index);
      this.#tell(viewer);
    });
    const away = make("button", { type: "button", className: "quiet", textContent: "×", title: t("act.delete"), ariaLabel: t("measure.delete", { what: text }) });
    away.addEventListener("click", () => this.remove(viewer, note.id));
    return make("li", {}, go, away);
  }

  /** A file of all measurements of the study whose results are known here. */
  #export() {
    const viewer = this.#panes.target;
    const { study } = viewer;
    const places = new Map(viewer.places.map((one) => [`${one.image.sop_instance_uid}/${one.frame}`, one]));
    const measurements = this.#notes.of(study.study_instance_uid).map((note) => {
      const one = places.get(`${note.instance}/${note.frame}`);
      const spacing = one ? spacingOf(one) : null;
      const results = one ? resultsOf(note, spacing, viewer.measuredAt(one), one.image.unit) : [];
      return forReport(note, results, spacing);
    });
    const document = { study_instance_uid: study.study_instance_uid, exported: new Date().toISOString(), measurements };
    handOver(new Blob([JSON.stringify(document, null, 2)], { type: "application/json" }), "measurements.json");
  }
}
