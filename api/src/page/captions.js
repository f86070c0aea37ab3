// What is written on a picture: whose it is, which slice, through which window, and what went wrong.

import { lines, personName } from "./elements.js";
import { isLinked } from "./link.js";

/** A file of another patient than its study's is told with its own. */
export function tellPatient({ patient }, study, other) {
  const { patient_name: name, patient_id: id } = other ?? study;
  patient.textContent = lines(personName(name), id, study.study_date, other && "Not the patient of this study");
}

/** What stays the same while the series is open. */
export function tellSeries(parts, { study, series, canWindow }) {
  tellPatient(parts, study, null);
  parts.stage.classList.toggle("windowed", canWindow);
  parts.series.textContent = lines(study.study_description, series.series_description, series.modality);
  parts.window.textContent = parts.slice.textContent = "";
}

export function tellSlice({ slice }, { place, unit, places }) {
  slice.textContent = places.length > 1 ? `${unit} ${place.index + 1} / ${places.length}` : "";
}

/** A number of a window as it is written. */
export function windowText(value) {
  const rounded = Math.abs(value) >= 10 ? Math.round(value) : Number(value.toPrecision(3));
  return String(rounded).replace("-", "−");
}

export function tellWindow({ window: caption }, used) {
  caption.textContent = used ? `W ${windowText(used.window)}  L ${windowText(used.level)}` : "";
}

/** Shows what went wrong in place of the picture, or with `null` nothing any more. Where somebody has to sign in, the form
 *  says so. */
export function tellError({ error: caption, hint }, error, isIdle) {
  const isShown = Boolean(error) && (error.status !== 401 || isLinked);
  caption.hidden = !isShown;
  caption.textContent = isShown ? error.message : "";
  hint.hidden = isShown || !isIdle;
}
