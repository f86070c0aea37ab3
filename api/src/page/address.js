// What is shown, as the part of the address after `#`: reloading or sharing it shows the same.

import { LAYOUTS } from "./layouts.js";

const FUNCTIONS = ["linear", "linear_exact", "sigmoid"];

/** `layout`, `active`, and of each pane in its order `study`, `series`, `at`, `view` and `lies`, all of them empty where it is. */
export function addressOf({ layout, viewers, target }, openStudy) {
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
  return address;
}

const viewText = ({ preset, window, level, function: name = "linear" }) => preset ?? [window, level, name].join(",");

/** What an address asks for: a layout, the place of the active pane, and what each pane shows. */
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
  return { layout, active: Number.isInteger(active) && active > 0 ? Math.min(active, LAYOUTS[layout] - 1) : 0, panes };
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
