// What is shown, as the part of the address after `#`: reloading or sharing it shows the same.

import { LAYOUTS } from "./layouts.js";

const FUNCTIONS = ["linear", "linear_exact", "sigmoid"];

/** `layout`, `active`, and of each pane in its order `study`, `series`, `at`, `view` and `lies`, all of them empty where it is; `planes` where
 *  there are planes of the active one. */
export function addressOf({ layout, viewers, target, planes }, openStudy) {
  const address = new URLSearchParams();
  if (layout !== "1x1") address.set("layout", layout);
  if (viewers.indexOf(target) > 0) address.set("active", viewers.indexOf(target));
  for (const { study, series, state: { at, view, isInverted, lies } } of viewers) {
    address.append("study", study?.study_id ?? (viewers.length === 1 ? openStudy ?? "" : ""));
    if (!series && viewers.length === 1) continue;
    address.append("series", series?.series_id ?? "");
    address.append("at", series ? at + 1 : "");
    address.append("view", series ? `${viewText(view)}${isInverted ? ",inverted" : ""}` : "");
    // The upper left corner is where it is in any window.
    address.append("lies", series ? lies.map((value) => Number(value.toFixed(3))).join(",") : "");
  }
  if (planes) {
    const { at, slab: { millimetres, projection }, view, isInverted } = planes;
    const numbers = at?.map((index) => index + 1) ?? ["", "", ""];
    address.set("planes", [[...numbers, millimetres, projection].join(","), `${viewText(view)}${isInverted ? ",inverted" : ""}`].join(";"));
  }
  return address;
}

const viewText = ({ preset, window, level, function: name = "linear" }) => preset ?? [window, level, name].join(",");

/** What an address asks for: a layout, the place of the active pane, what each pane shows, and planes of the active one, or `null`. */
export function shownBy(address) {
  const named = address.get("layout");
  const layout = named in LAYOUTS ? named : "1x1";
  const [studies, series, ats, views, lies] = ["study", "series", "at", "view", "lies"].map((name) => address.getAll(name));
  const panes = studies.slice(0, LAYOUTS[layout]).map((study, nth) => ({
    study,
    series: series[nth] ?? "",
    state: { ...placeOf(ats[nth]), ...viewOf(views[nth]), ...layOf(lies[nth]) },
  }));
  const active = Number(address.get("active"));
  const planes = address.has("planes") ? planesOf(address.get("planes")) : null;
  return { layout, planes, active: Number.isInteger(active) && active > 0 ? Math.min(active, LAYOUTS[layout] - 1) : 0, panes };
}

/** Where planes lie, how thick they are and how they are seen, as far as it is told. */
function planesOf(text) {
  const [cut = "", view] = text.split(";");
  const [axial, coronal, sagittal, millimetres, projection] = cut.split(",");
  const at = [axial, coronal, sagittal].map((number) => placeOf(number).at);
  return { ...(at.every((index) => index !== undefined) ? { at } : {}), slab: { millimetres, projection }, ...viewOf(view) };
}

const placeOf = (text) => (Number.isInteger(Number(text)) && Number(text) > 0 ? { at: Number(text) - 1 } : {});

/** What is no view is none. */
function viewOf(text = "") {
  const parts = text.split(",");
  const isInverted = parts.at(-1) === "inverted";
  if (isInverted) parts.pop();
  if (parts.length === 1) return parts[0] ? { isInverted, view: { preset: parts[0] } } : {};
  const [window, level] = parts.map(Number);
  const isWindow = window > 0 && Number.isFinite(level) && FUNCTIONS.includes(parts[2]);
  return isWindow ? { isInverted, view: { window, level, function: parts[2] } } : {};
}

function layOf(text = "") {
  const lies = text.split(",").map(Number);
  return lies.length === 7 && lies.every(Number.isFinite) ? { lies } : {};
}
