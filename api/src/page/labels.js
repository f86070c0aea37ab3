// What is written around the picture: whose it is, which slice, through which window, and where it came from.

import { byId, lines, make, personName } from "./elements.js";

const SOURCES = { memory: "cached, memory", redis: "cached, Redis", postgres: "cached, Postgres", render: "rendered" };

/** A file of another patient than its study's is told with its own. */
export function tellPatient(study, other) {
  const { patient_name: name, patient_id: id } = other ?? study;
  byId("corner-patient").textContent = lines(personName(name), id, study.study_date, other && "Not the patient of this study");
}

/** What stays the same while the series is open. */
export function tellSeries({ study, series, places, unit, canWindow }) {
  byId("slider").max = String(Math.max(places.length, 1));
  byId("slider").disabled = byId("play").disabled = places.length < 2;
  byId("slider-label").textContent = unit;
  byId("stage").classList.toggle("windowed", canWindow);
  tellPatient(study, null);
  byId("corner-series").textContent = lines(study.study_description, series.series_description, series.modality);
  for (const id of ["corner-window", "corner-slice"]) byId(id).textContent = "";
  for (const fact of document.querySelectorAll(".facts dd")) fact.textContent = "–";
}

/** Where the hand is, whether or not the picture is here yet. */
export function tellIndex(index, { unit, places }) {
  const slider = byId("slider");
  slider.value = String(index + 1);
  slider.setAttribute("aria-valuetext", `${unit} ${index + 1} of ${places.length}`);
  byId("place").textContent = `${index + 1} / ${places.length}`;
}

/** The slice that is drawn, and the number that its file has, which may run the other way. */
export function tellSlice({ place, unit, places }) {
  const { rows, columns, instance_number: number } = place.image;
  byId("corner-slice").textContent = places.length > 1 ? `${unit} ${place.index + 1} / ${places.length}` : "";
  byId("fact-image").textContent = number ?? "–";
  byId("fact-size").textContent = columns && rows ? `${columns} × ${rows}` : "–";
}

/** How much of the series is drawn without the server. */
export function tellHeld(count, places) {
  byId("fact-held").textContent = count ? `${count} / ${places.length}` : "–";
}

export function tellWindow(used) {
  const rounded = (value) => (Math.abs(value) >= 10 ? Math.round(value) : Number(value.toPrecision(3)));
  const text = (value) => String(rounded(value)).replace("-", "−");
  byId("fact-window").textContent = used ? text(used.window) : "–";
  byId("fact-level").textContent = used ? text(used.level) : "–";
  byId("corner-window").textContent = used ? `W ${text(used.window)}  L ${text(used.level)}` : "";
}

export function tellTiming({ timing, trip, shownBefore }) {
  const spent = timing.stages.reduce((sum, [, ms]) => sum + ms, 0);
  const source = SOURCES[timing.source] ?? timing.source ?? "–";
  byId("fact-source").textContent = shownBefore ? "held by this page" : source;
  byId("fact-server").textContent = timing.stages.length ? `${spent.toFixed(1)} ms` : "–";
  byId("fact-server").title = timing.stages.map(([name, ms]) => `${name} ${ms} ms`).join(", ");
  byId("fact-trip").textContent = shownBefore ? "none" : `${trip.toFixed(trip < 10 ? 1 : 0)} ms`;
}

export function tellPlaying(isPlaying, frameMs) {
  byId("play").textContent = isPlaying ? "Pause" : "Play";
  byId("play").title = `${Number((1000 / frameMs).toPrecision(3))} frames a second`;
  byId("play").setAttribute("aria-pressed", String(isPlaying));
}

/** Buttons for the file's own view, the presets of the modality, and the other windows of the file. */
export function offerPresets(viewer) {
  const fitting = viewer.presets.filter(({ modality }) => viewer.canWindow && modality === viewer.series.modality);
  const choices = [
    { name: "default", description: "The window that the file asks for", view: { preset: "default" } },
    ...fitting.map((preset) => ({ ...preset, view: { preset: preset.name } })),
    ...windowsOfFile(viewer, fitting),
  ];
  byId("presets").replaceChildren(...choices.map(({ name, description, window, level, view }, nth) => {
    const button = make("button", { type: "button", textContent: name.replaceAll("_", " ") });
    button.title = window ? `${description} (W ${window}, L ${level})` : description;
    button.dataset.preset = name;
    if (nth < 10) button.setAttribute("aria-keyshortcuts", String(nth));
    button.addEventListener("click", () => viewer.see(view));
    return button;
  }));
  pressPreset(viewer.view);
}

/** A name of the file is no preset's: its window is asked for by its numbers. */
function windowsOfFile({ canWindow, places }, presets) {
  const others = canWindow ? (places[0]?.image.windows ?? []).slice(1) : [];
  const isNew = ({ window, level }) => !presets.some((preset) => preset.window === window && preset.level === level);
  return others.filter(isNew).map(({ window, level, function: name, explanation }, nth) => ({
    name: (explanation ?? `window ${nth + 2}`).toLowerCase(),
    description: "Another window of the file",
    window,
    level,
    view: { window, level, function: name },
  }));
}

/** Shows which preset is in use. */
export function pressPreset({ preset }) {
  for (const button of byId("presets").children) {
    button.setAttribute("aria-pressed", String(button.dataset.preset === preset));
  }
}
