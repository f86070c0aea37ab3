// What is written on a picture: whose it is, which slice, through which window, and what went wrong.

import { lines, personName } from "./elements.js";
import { number, text } from "./header.js";
import { isLinked } from "./link.js";
import { dateText, t } from "./words.js";

/** A file of another patient than its study's is told with its own. */
export function tellPatient({ patient }, study, other) {
  const { patient_name: name, patient_id: id } = other ?? study;
  patient.textContent = lines(personName(name), id, study.study_date && dateText(study.study_date), other && t("caption.stranger"));
}

/** `20260115` and `093500.1` as people write them; `null` where it is none. */
const dayText = (date) => (/^\d{8}$/.test(date ?? "") ? dateText(`${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`) : null);
const timeText = (time) => (/^\d{4}/.test(time ?? "") ? [time.slice(0, 2), time.slice(2, 4), time.slice(4, 6)].filter(Boolean).join(":") : null);

/** When and how the picture was taken, and what was lost since: what the header tells of it, as far as it is here. */
export function tellTechnique({ technique }, { image, header }) {
  const one = (value, unit) => (value === null || Number.isNaN(value) || value === undefined ? null : `${Number(Number(value).toPrecision(4))} ${unit}`);
  const when = [dayText(text(header, "00080022") ?? text(header, "00080023")), timeText(text(header, "00080032") ?? text(header, "00080033"))];
  const how = [
    one(image.slice_thickness ?? number(header, "00180050"), "mm"), one(number(header, "00180060"), "kV"), one(number(header, "00181152"), "mAs"),
    header?.["00180080"] && `TR ${number(header, "00180080")}`, header?.["00180081"] && `TE ${number(header, "00180081")}`,
  ];
  const side = [image.laterality ?? text(header, "00200062") ?? text(header, "00200060"), text(header, "00185101")];
  const ratio = number(header, "00282112");
  const lossy = text(header, "00282110") === "01" && `${t("caption.lossy")}${ratio > 1 ? ` ${Number(ratio.toPrecision(3))}:1` : ""}`;
  const joined = (values, between) => values.filter(Boolean).join(between);
  technique.textContent = lines(joined(side, " "), joined(how, " · "), joined(when, " "), lossy);
}

/** What stays the same while the series is open. */
export function tellSeries(parts, { study, series, canWindow }) {
  tellPatient(parts, study, null);
  parts.stage.classList.toggle("windowed", canWindow);
  parts.series.textContent = lines(study.study_description, series.series_description, series.modality);
  parts.window.textContent = parts.slice.textContent = parts.technique.textContent = "";
}

export function tellSlice({ slice }, { place, unit, places }) {
  slice.textContent = places.length > 1 ? `${unit.name} ${place.index + 1} / ${places.length}` : "";
}

/** A number of a window as it is written. */
export function windowText(value) {
  const rounded = Math.abs(value) >= 10 ? Math.round(value) : Number(value.toPrecision(3));
  return String(rounded).replace("-", "−");
}

export function tellWindow({ window: caption }, used) {
  caption.textContent = used ? t("caption.window", { window: windowText(used.window), level: windowText(used.level) }) : "";
}

/** Shows what went wrong in place of the picture, or with `null` nothing any more. Where somebody has to sign in, the form
 *  says so. */
export function tellError({ error: caption, hint }, error, isIdle) {
  const isShown = Boolean(error) && (error.status !== 401 || isLinked);
  caption.hidden = !isShown;
  caption.textContent = isShown ? error.message : "";
  hint.hidden = isShown || !isIdle;
}
