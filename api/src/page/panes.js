// The panes of the viewer: how many there are, which one is active, and what ties them together.

import { pressTool, tellControls } from "./controls.js";
import { place, shape } from "./drawing.js";
import { byId, say } from "./elements.js";
import { meeting, nearestTo, planeOf, sameWay } from "./geometry.js";
import { LAYOUTS } from "./layouts.js";
import { makePane } from "./pane.js";
import { Viewer } from "./viewer.js";

/** Two bytes a pixel: a thousand slices of 512 x 512 are 500 MiB. What does not fit comes when the hand gets there. */
const SAMPLES_BYTES_MAX = 512 * 1024 * 1024;

export class Panes {
  /** Every preset that the server offers. */
  presets = [];
  /** Whether windows without a name may be looked through on this server. */
  areWindowsFree = true;
  tool = "window";
  layout = "1x1";
  #remember;
  /** Panes that were made, with their elements; those of a smaller layout are hidden and stay as they are. */
  #panes = [];
  #listeners = { pane: [], laid: [], active: [] };
  #active = 0;
  /** Panes that scroll together, each with its place along its normal when they were tied; `null` where none do. */
  #tied = null;
  #isFollowing = false;

  /** `remember()` is called when what is shown has changed, and where. */
  constructor(remember) {
    this.#remember = remember;
    this.lay("1x1");
  }

  get active() { return this.#panes[this.#active].viewer; }
  /** The viewers that are seen, in their order. */
  get viewers() { return this.#panes.slice(0, LAYOUTS[this.layout]).map(({ viewer }) => viewer); }
  get isTied() { return this.#tied !== null; }

  /** The elements of a pane. */
  partsOf(viewer) { return this.#panes.find((pane) => pane.viewer === viewer)?.parts; }
  focus(viewer) { this.partsOf(viewer).stage.focus({ preventScroll: true }); }

  lay(layout) {
    this.layout = layout;
    while (this.#panes.length < LAYOUTS[layout]) this.#add();
    for (const [nth, { parts, viewer }] of this.#panes.entries()) {
      parts.stage.hidden = nth >= LAYOUTS[layout];
      if (parts.stage.hidden) viewer.stop();
    }
    byId("panes").dataset.layout = layout;
    for (const button of byId("tools").querySelectorAll("[data-layout]")) {
      button.setAttribute("aria-pressed", String(button.dataset.layout === layout));
    }
    byId("link").disabled = LAYOUTS[layout] < 2;
    if (this.isTied) this.tie(LAYOUTS[layout] > 1);
    this.activate(this.viewers[Math.min(this.#active, LAYOUTS[layout] - 1)]);
    this.#drawLines();
  }

  #add() {
    const parts = makePane(this.#panes.length + 1);
    byId("panes").append(parts.stage);
    // The desk of a viewer is this, as far as it is for one.
    const viewer = new Viewer(parts, {
      bytesMax: () => SAMPLES_BYTES_MAX / LAYOUTS[this.layout],
      changed: (changed) => this.#changed(changed),
      moved: (moved) => this.#moved(moved),
      laid: (laid) => this.#laid(laid),
      tied: (one) => (this.#tied?.has(one) ? [...this.#tied.keys()] : [one]),
      offers: () => this.presets,
      isFree: () => this.areWindowsFree,
    });
    this.#panes.push({ parts, viewer });
    parts.stage.dataset.tool = this.tool;
    for (const listen of this.#listeners.pane) listen(parts.stage, viewer);
  }

  /** `listen(stage, viewer)` for every pane that there is, and will be. */
  listen(listen) {
    this.#listeners.pane.push(listen);
    for (const { parts, viewer } of this.#panes) listen(parts.stage, viewer);
  }

  /** `listen(viewer)` whenever its picture lies anew. */
  onLaid(listen) { this.#listeners.laid.push(listen); }

  /** `listen()` whenever another pane is active. */
  onActive(listen) { this.#listeners.active.push(listen); }

  activate(viewer) {
    const index = this.#panes.findIndex((pane) => pane.viewer === viewer);
    const isOther = index !== this.#active;
    this.#active = index;
    for (const [nth, { parts }] of this.#panes.entries()) parts.stage.classList.toggle("active", nth === index);
    tellControls(viewer);
    if (isOther) {
      this.#drawLines();
      for (const listen of this.#listeners.active) listen();
    }
    this.#remember();
  }

  /** Shows nothing of a study any more. */
  forget(studyId) {
    for (const { viewer } of this.#panes) if (viewer.study?.study_id === studyId) viewer.close();
    tellControls(this.active);
  }

  choose(tool) {
    this.tool = tool;
    for (const { parts } of this.#panes) parts.stage.dataset.tool = tool;
    pressTool(tool);
  }

  /** Scroll together from where they are, or each by itself. */
  tie(isTied) {
    this.#tied = isTied ? new Map(this.viewers.map((viewer) => [viewer, planeNow(viewer)])) : null;
    byId("link").setAttribute("aria-pressed", String(isTied));
    say(isTied ? "Panes scroll together" : "Panes scroll by themselves");
  }

  #changed(viewer) {
    if (viewer === this.#panes[this.#active]?.viewer) tellControls(viewer);
    this.#remember();
  }

  #laid(viewer) {
    this.#drawLine(viewer);
    for (const listen of this.#listeners.laid) listen(viewer);
  }

  #moved(viewer) {
    if (this.#tied && !this.#isFollowing) this.#follow(viewer);
    if (viewer === this.active) this.#drawLines();
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

  /** The line of the active pane's slice in the picture of another. */
  #drawLine(viewer) {
    const parts = this.partsOf(viewer);
    // A viewer draws before it is a pane.
    if (!parts) return;
    parts.drawing.querySelector(".cut")?.remove();
    const [own, other] = [viewer, this.active].map((one) => (one === viewer ? drawnPlane(one) : planeNow(one)));
    const matrix = viewer.ofFrame;
    if (viewer === this.active || !own || !other || !matrix) return;
    const { rows, columns } = viewer.told.place.image;
    const ends = meeting(own, other, columns, rows);
    if (!ends) return;
    const [from, to] = ends.map((end) => place(matrix, end));
    parts.drawing.append(shape("line", { class: "cut", x1: from.x, y1: from.y, x2: to.x, y2: to.y }));
  }
}

const planeNow = ({ place }) => (place ? planeOf(place) : null);
const drawnPlane = ({ told: { place } }) => (place ? planeOf(place) : null);
