// The controls around the panes: they are of the one that is active, and say how it is.

import { windowText } from "./captions.js";
import { byId, make } from "./elements.js";
import { t } from "./words.js";

const SOURCES = { memory: t("source.memory"), redis: t("source.redis"), postgres: t("source.postgres"), render: t("source.render") };
const NOTHING = "–";
/** What the presets are of that stand there. */
let offered = {};

/** Brings everything around the pictures to what `viewer`, the active one, shows. */
export function tellControls(viewer) {
  byId("viewer").classList.toggle("idle", !viewer.series);
  offerPresets(viewer);
  pressPreset(viewer.view);
  tellIndex(viewer);
  tellPlaying(viewer);
  tellFacts(viewer);
  for (const button of byId("tools").querySelectorAll("[data-of-slice]")) button.disabled = Boolean(viewer.isPlane);
}

/** Where the hand is, whether or not the picture is here yet. */
function tellIndex({ at, unit, places }) {
  const slider = byId("slider");
  slider.max = String(Math.max(places.length, 1));
  slider.disabled = byId("play").disabled = places.length < 2;
  slider.value = String(at + 1);
  slider.setAttribute("aria-valuetext", t("place.of", { unit: unit.name, number: at + 1, count: places.length }));
  byId("slider-label").textContent = unit.name;
  byId("place").textContent = places.length ? `${at + 1} / ${places.length}` : NOTHING;
}

function tellPlaying({ isPlaying, frameMs }) {
  byId("play").textContent = isPlaying ? t("walk.pause") : t("walk.play");
  byId("play").title = t("walk.rate", { rate: Number((1000 / frameMs).toPrecision(3)) });
  byId("play").setAttribute("aria-pressed", String(isPlaying));
}

/** Of the picture that is drawn, and the number that its file has, which may run the other way. */
function tellFacts({ told: { place, window, answer, held }, places }) {
  const { rows, columns, instance_number: number } = place?.image ?? {};
  byId("fact-window").textContent = window ? windowText(window.window) : NOTHING;
  byId("fact-level").textContent = window ? windowText(window.level) : NOTHING;
  byId("fact-image").textContent = number ?? NOTHING;
  byId("fact-size").textContent = columns && rows ? `${columns} × ${rows}` : NOTHING;
  byId("fact-held").textContent = held ? `${held} / ${places.length}` : NOTHING;
  tellAnswer(answer);
}

function tellAnswer(answer) {
  const { timing = { source: null, stages: [] }, trip = 0, shownBefore = false } = answer ?? {};
  const spent = timing.stages.reduce((sum, [, ms]) => sum + ms, 0);
  byId("fact-source").textContent = shownBefore ? t("source.here") : SOURCES[timing.source] ?? timing.source ?? NOTHING;
  byId("fact-server").textContent = timing.stages.length ? `${spent.toFixed(1)} ms` : NOTHING;
  byId("fact-server").title = timing.stages.map(([name, ms]) => `${name} ${ms} ms`).join(", ");
  byId("fact-trip").textContent = shownBefore ? t("fact.trip.none") : answer ? `${trip.toFixed(trip < 10 ? 1 : 0)} ms` : NOTHING;
}

/** Buttons for the file's own view, the presets of the modality, and the other windows of the file. */
function offerPresets(viewer) {
  const { series, places, presets } = viewer;
  if (offered.viewer === viewer && offered.series === series && offered.places === places) return;
  offered = { viewer, series, places };
  if (!series) return byId("presets").replaceChildren();
  const fitting = presets.filter(({ modality }) => viewer.canWindow && modality === series.modality);
  const choices = [
    { name: "default", label: t("preset.default"), description: t("preset.default.title"), view: { preset: "default" } },
    ...fitting.map((preset) => ({ ...preset, view: { preset: preset.name } })),
    ...windowsOfFile(viewer, fitting),
  ];
  byId("presets").replaceChildren(...choices.map(({ name, label = name.replaceAll("_", " "), description, window, level, view }, nth) => {
    const button = make("button", { type: "button", textContent: label });
    button.title = window ? t("preset.title", { description, window, level }) : description;
    button.dataset.preset = name;
    if (nth < 10) button.setAttribute("aria-keyshortcuts", String(nth));
    button.addEventListener("click", () => viewer.see(view));
    return button;
  }));
}

/** A name of the file is no preset's: its window is asked for by its numbers. */
function windowsOfFile({ canWindow, places }, presets) {
  const others = canWindow ? (places[0]?.image.windows ?? []).slice(1) : [];
  const isNew = ({ window, level }) => !presets.some((preset) => preset.window === window && preset.level === level);
  return others.filter(isNew).map(({ window, level, function: name, explanation }, nth) => ({
    name: explanation?.toLowerCase() ?? t("preset.other", { number: nth + 2 }),
    description: t("preset.other.title"),
    window,
    level,
    view: { window, level, function: name },
  }));
}

/** Shows which preset is in use. */
function pressPreset({ preset }) {
  for (const button of byId("presets").children) {
    button.setAttribute("aria-pressed", String(button.dataset.preset === preset));
  }
}

/** Shows what a drag does. */
export function pressTool(tool) {
  for (const button of byId("tools").querySelectorAll("[data-tool]")) {
    button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
  }
}
