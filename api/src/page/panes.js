// The panes of the viewer: how many there are, which one is active, and what ties them together.

import { pressTool, tellControls } from "./controls.js";
import { place, shape } from "./drawing.js";
import { byId, say } from "./elements.js";
import { meeting, nearestTo, planeOf, sameWay } from "./geometry.js";
import { LAYOUTS } from "./layouts.js";
import { Mpr } from "./mpr.js";
import { makePane } from "./pane.js";
import { PLANE_UNITS } from "./planes.js";
import { Viewer } from "./viewer.js";
import { t } from "./words.js";

/** Two bytes a pixel: 416 slices of 512 x 512. What does not fit comes before the hand gets there. */
const SAMPLES_BYTES_MAX = 208 * 1024 * 1024;
/** A volume is whole or nothing. */
const VOLUME_BYTES_MAX = 512 * 1024 * 1024;

export class Panes {
  /** Every preset that the server offers. */
  presets = [];
  /** Whether windows without a name may be looked through on this server. */
  areWindowsFree = true;
  tool = "window";
  layout = "1x1";
  #remember;
  #followName;
  /** Panes that were made, with their elements; those of a smaller layout are hidden and stay as they are. */
  #panes = [];
  #listeners = { pane: [], laid: [], active: [] };
  /** The viewer whose pane is active. */
  #active = null;
  /** Planes of one series, made when somebody wants them. */
  #mpr = null;
  /** Panes that scroll together, each with its place along its normal when they were tied; `null` where none do. */
  #tied = null;
  #isFollowing = false;

  /** `remember()` is called when what is shown has changed, and where; `follow(viewer, uid, frame)` when an image is to be opened that
   *  something in a pane names. */
  constructor({ remember, follow }) {
    this.#remember = remember;
    this.#followName = follow;
    this.lay("1x1");
  }

  get active() { return this.#active; }
  /** The viewers of the layout, in their order. */
  get viewers() { return this.#panes.slice(0, LAYOUTS[this.layout]).map(({ viewer }) => viewer); }
  /** Where a series opens: in the active pane, or in the one whose planes are shown. */
  get target() { return this.#active.isPlane ? this.#mpr.source : this.#active; }
  /** Whether planes are shown, and of one pane of the layout what they are of. */
  get isResliced() { return Boolean(this.#mpr?.source); }
  get #planes() { return this.isResliced ? this.#mpr.viewers : []; }
  get isTied() { return this.#tied !== null; }

  /** The elements of a pane. */
  partsOf(viewer) { return viewer.isPlane ? viewer.parts : this.#panes.find((pane) => pane.viewer === viewer)?.parts; }
  focus(viewer) { this.partsOf(viewer).stage.focus({ preventScroll: true }); }

  lay(layout) {
    this.layout = layout;
    while (this.#panes.length < LAYOUTS[layout]) this.#add();
    this.#closeMpr();
    if (this.isTied) this.tie(LAYOUTS[layout] > 1);
    this.#arrange();
  }

  /** Shows the panes that there are to be seen, and says so. */
  #arrange() {
    const { isResliced, layout } = this;
    const seen = isResliced ? [this.#mpr.source] : this.viewers;
    for (const { parts, viewer } of this.#panes) {
      parts.stage.hidden = !seen.includes(viewer);
      if (parts.stage.hidden) viewer.stop();
    }
    const planes = (this.#mpr?.viewers ?? []).map(({ parts }) => parts.stage);
    const isFocusLost = !isResliced && planes.includes(document.activeElement);
    if (isResliced) byId("panes").prepend(...planes);
    else for (const stage of planes) stage.remove();
    byId("panes").dataset.layout = isResliced ? "mpr" : layout;
    for (const button of byId("tools").querySelectorAll("[data-layout]")) {
      button.setAttribute("aria-pressed", String(!isResliced && button.dataset.layout === layout));
    }
    byId("mpr").setAttribute("aria-pressed", String(isResliced));
    for (const name of ["slab", "projection"]) byId(name).disabled = !isResliced;
    byId("link").disabled = isResliced || seen.length < 2;
    const isSeen = seen.includes(this.#active) || this.#planes.includes(this.#active);
    const before = this.#panes.findIndex(({ viewer }) => viewer === this.#active);
    this.activate(isSeen ? this.#active : seen[Math.min(before, seen.length - 1)]);
    // Keys go on where the eyes do.
    if (isFocusLost) this.focus(this.#active);
    for (const { viewer } of this.#panes) viewer.gather();
    this.#drawLines();
  }

  /** Where planes lie and how they are seen; `null` without planes. */
  get planes() { return this.isResliced ? this.#mpr.state : null; }

  /** Shows the planes of the active pane's series beside it, or the panes as they were; `state` is how planes were. */
  reslice(isResliced, state = null) {
    const source = this.target;
    if (isResliced === this.isResliced || (isResliced && !source.series)) return;
    if (isResliced && this.isTied) this.tie(false);
    this.#mpr ??= this.#makeMpr();
    if (isResliced) this.#mpr.open(source, state);
    else this.#closeMpr();
    if (state) this.#chooseSlab(state.slab);
    this.#arrange();
    say(isResliced ? t("pane.planes") : t("pane.panes"));
  }

  /** What was active among planes is what they are of. */
  #closeMpr() {
    if (!this.isResliced) return;
    this.#active = this.target;
    this.#mpr.close();
  }

  #makeMpr() {
    const mpr = new Mpr((name) => makePane(PLANE_UNITS[name].pane), {
      ...this.#desk(null),
      bytesMax: () => this.#bytesFor(mpr.source),
      isActive: (viewer) => viewer === this.#active,
    });
    for (const viewer of mpr.viewers) {
      viewer.parts.stage.dataset.tool = this.tool;
      for (const listen of this.#listeners.pane) listen(viewer.parts.stage, viewer);
    }
    return mpr;
  }

  /** A slab that the controls offer. */
  #chooseSlab({ millimetres, projection }) {
    for (const [name, value] of [["slab", millimetres], ["projection", projection]]) {
      if ([...byId(name).options].some((option) => option.value === value)) byId(name).value = value;
    }
    this.cut();
  }

  /** Planes as thick as the controls say. */
  cut() { this.#mpr?.cut({ millimetres: Number(byId("slab").value), projection: byId("projection").value }); }

  /** The next thickness, up to the last one, or the next projection, around and around. */
  chooseCut(name, step) {
    const { options, selectedIndex: at } = byId(name);
    const next = name === "slab" ? Math.min(Math.max(at + step, 0), options.length - 1) : (at + step) % options.length;
    byId(name).selectedIndex = next;
    say(options[next].textContent);
    this.cut();
  }

  #add() {
    const parts = makePane(t("pane.name", { number: this.#panes.length + 1 }));
    byId("panes").append(parts.stage);
    const viewer = new Viewer(parts, this.#desk(() => viewer));
    this.#active ??= viewer;
    this.#panes.push({ parts, viewer });
    parts.stage.dataset.tool = this.tool;
    for (const listen of this.#listeners.pane) listen(parts.stage, viewer);
  }

  /** The desk of a viewer is this, as far as it is for one. */
  #desk(viewerOf) {
    return {
      bytesMax: () => this.#bytesFor(viewerOf()),
      changed: (changed) => this.#changed(changed),
      moved: (moved) => this.#moved(moved),
      laid: (laid) => this.#laid(laid),
      follow: (from, uid, frame) => this.#followName(from, uid, frame),
      tied: (one) => (this.#tied?.has(one) ? [...this.#tied.keys()] : [one]),
      offers: () => this.presets,
      isFree: () => this.areWindowsFree,
    };
  }

  /** Panes that are not seen hold nothing but their slice. */
  #bytesFor(viewer) {
    if (this.isResliced) return viewer === this.#mpr.source ? VOLUME_BYTES_MAX : 0;
    return this.viewers.includes(viewer) ? SAMPLES_BYTES_MAX / LAYOUTS[this.layout] : 0;
  }

  /** `listen(stage, viewer)` for every pane that there is, and will be. */
  listen(listen) {
    this.#listeners.pane.push(listen);
    for (const { parts, viewer } of this.#panes) listen(parts.stage, viewer);
    for (const viewer of this.#mpr?.viewers ?? []) listen(viewer.parts.stage, viewer);
  }

  /** `listen(viewer)` whenever its picture lies anew. */
  onLaid(listen) { this.#listeners.laid.push(listen); }

  /** `listen()` whenever another pane is active. */
  onActive(listen) { this.#listeners.active.push(listen); }

  activate(viewer) {
    const isOther = viewer !== this.#active;
    this.#active = viewer;
    for (const one of this.#all()) this.partsOf(one).stage.classList.toggle("active", one === viewer);
    tellControls(viewer);
    if (isOther) {
      this.#drawLines();
      for (const listen of this.#listeners.active) listen();
    }
    this.#remember();
  }

  #all() { return [...this.#panes.map(({ viewer }) => viewer), ...(this.#mpr?.viewers ?? [])]; }

  /** Shows nothing of a study any more. */
  forget(studyId) {
    if (this.isResliced && this.#mpr.source.study?.study_id === studyId) this.reslice(false);
    for (const { viewer } of this.#panes) if (viewer.study?.study_id === studyId) viewer.close();
    tellControls(this.active);
  }

  choose(tool) {
    this.tool = tool;
    for (const viewer of this.#all()) this.partsOf(viewer).stage.dataset.tool = tool;
    pressTool(tool);
  }

  /** Scroll together from where they are, or each by itself. */
  tie(isTied) {
    this.#tied = isTied ? new Map(this.viewers.map((viewer) => [viewer, planeNow(viewer)])) : null;
    byId("link").setAttribute("aria-pressed", String(isTied));
    say(isTied ? t("pane.tied") : t("pane.loose"));
  }

  #changed(viewer) {
    if (viewer === this.#active) tellControls(viewer);
    if (viewer === this.#mpr?.source) this.#mpr.follow();
    this.#remember();
  }

  #laid(viewer) {
    this.#drawLine(viewer);
    for (const listen of this.#listeners.laid) listen(viewer);
  }

  #moved(viewer) {
    if (this.#tied && !this.#isFollowing) this.#follow(viewer);
    if (viewer === this.active || viewer.isPlane) this.#drawLines();
  }

  /** Brings the others to where `leader` is: in one space to the same place of the patient, else as far from where they began. */
  #follow(leader) {
    const plane = planeNow(leader);
    if (!plane) return;
    this.#isFollowing = true;
    for (const viewer of this.viewers) {
      if (viewer !== leader) this.#bring(viewer, plane, this.#tied.get(leader));
    }
    this.#isFollowing = false;
  }

  #bring(viewer, plane, began) {
    const [planes, own] = [viewer.places.map(planeOf), planeNow(viewer)];
    const way = own ? sameWay(own, plane) : 0;
    if (!way) return;
    const isSameSpace = Boolean(plane.space) && plane.space === own.space;
    const start = this.#tied.get(viewer);
    if (!isSameSpace && !(start && began)) return;
    const along = isSameSpace ? way * plane.along : start.along + way * (plane.along - began.along);
    const index = nearestTo(planes, along);
    if (index !== null && index !== viewer.at) viewer.want(index);
  }

  #drawLines() {
    for (const viewer of this.viewers) this.#drawLine(viewer);
  }

  /** The line of the active pane's slice in the picture of another, or those of the planes. */
  #drawLine(viewer) {
    const parts = this.partsOf(viewer);
    // A viewer draws before it is a pane.
    if (!parts) return;
    for (const old of parts.drawing.querySelectorAll(".cut")) old.remove();
    const [own, matrix] = [drawnPlane(viewer), viewer.ofFrame];
    if (!own || !matrix) return;
    const { rows, columns } = viewer.told.place.image;
    for (const other of this.isResliced ? this.#planes : [this.active]) {
      const plane = other === viewer ? null : planeNow(other);
      const ends = plane ? meeting(own, plane, columns, rows) : null;
      if (!ends) continue;
      const [from, to] = ends.map((end) => place(matrix, end));
      parts.drawing.append(shape("line", { class: `cut ${other.isPlane ? other.name.toLowerCase() : ""}`, x1: from.x, y1: from.y, x2: to.x, y2: to.y }));
    }
  }
}

const planeNow = ({ place }) => (place ? planeOf(place) : null);
const drawnPlane = ({ told: { place } }) => (place ? planeOf(place) : null);
