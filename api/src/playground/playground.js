// Builds the URL of a picture by hand, shows the picture, and explains the pixel that is clicked.

import { token } from "/page/login.js";

const API = "/api/v1/dicom";
const form = document.getElementById("parameters");
const [url, told, picture, hint, steps] =
  ["url", "told", "picture", "hint", "steps"].map((id) => document.getElementById(id));

/** The parameters that are given, without the image. */
function given() {
  const parameters = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (name !== "image_id" && value.trim() !== "") parameters.append(name, value.trim());
  }
  return parameters;
}

const path = () => `${API}/images/${encodeURIComponent(form.elements.image_id.value.trim())}`;

function showUrl() {
  const parameters = given();
  url.textContent = `GET ${path()}${parameters.size ? `?${parameters}` : ""}`;
}

async function ask(address) {
  const shown = await token();
  return fetch(address, { headers: shown ? { Authorization: `Bearer ${shown}` } : {} });
}

/** The words of a problem document (RFC 9457). */
async function problemOf(response) {
  const problem = await response.json().catch(() => ({}));
  return `${response.status} ${problem.title ?? ""}: ${problem.detail ?? ""}`;
}

async function show(event) {
  event.preventDefault();
  picture.hidden = hint.hidden = steps.hidden = true;
  const response = await ask(`${path()}?${given()}`);
  if (!response.ok) {
    told.textContent = await problemOf(response);
    return;
  }
  const blob = await response.blob();
  URL.revokeObjectURL(picture.src);
  picture.src = URL.createObjectURL(blob);
  picture.hidden = hint.hidden = false;
  told.textContent =
    `${response.status} ${blob.type}, ${blob.size} bytes; ${response.headers.get("Server-Timing") ?? ""}`;
}

/** The pixel of the frame under the pointer: what is shown is the region, or else the whole frame, at some size. */
async function explain(event) {
  const image = await ask(`${path()}/metadata`);
  if (!image.ok) {
    told.textContent = await problemOf(image);
    return;
  }
  const header = await image.json();
  const side = (tag) => Number(header[tag]?.Value?.[0] ?? 0);
  const [left, top, width, height] =
    (form.elements.region.value.trim() || `0,0,${side("00280011")},${side("00280010")}`).split(",").map(Number);
  const x = Math.min(left + Math.floor((event.offsetX / picture.clientWidth) * width), side("00280011") - 1);
  const y = Math.min(top + Math.floor((event.offsetY / picture.clientHeight) * height), side("00280010") - 1);
  const parameters = given();
  parameters.append("x", x);
  parameters.append("y", y);
  const response = await ask(`${path()}/explain?${parameters}`);
  if (!response.ok) {
    told.textContent = await problemOf(response);
    return;
  }
  const pixel = await response.json();
  const value = pixel.modality_value === null ? "" : `, ${pixel.modality_value} ${pixel.unit ?? ""}`;
  steps.caption.textContent = `Column ${x}, row ${y}: stored ${pixel.stored_value}${value}, shown ${pixel.display_value}`;
  steps.tBodies[0].replaceChildren(...pixel.steps.map((step) => {
    const row = document.createElement("tr");
    for (const text of [step.stage, step.in ?? "", step.out ?? "", step.source, step.clause]) {
      row.append(Object.assign(document.createElement("td"), { textContent: String(text) }));
    }
    return row;
  }));
  steps.hidden = false;
}

/** The presets, and some images to begin with. */
async function fill() {
  const presets = await ask(`${API}/presets`);
  if (presets.ok) {
    for (const preset of (await presets.json()).presets) form.elements.preset.append(new Option(preset.name));
  }
  const list = async (address, name) => {
    const response = await ask(address);
    return response.ok ? (await response.json())[name] : [];
  };
  for (const study of await list(`${API}/studies?limit=5`, "studies")) {
    for (const series of (await list(`${API}/studies/${study.study_id}/series?limit=3`, "series"))) {
      for (const image of await list(`${API}/series/${series.series_id}/images?limit=1`, "images")) {
        const label = [series.modality, series.series_description].filter(Boolean).join(" ");
        document.getElementById("images").append(new Option(label, image.image_id));
        if (!form.elements.image_id.value && image.frame_count) form.elements.image_id.value = image.image_id;
      }
    }
  }
  showUrl();
}

form.addEventListener("input", showUrl);
form.addEventListener("submit", show);
picture.addEventListener("click", explain);
fill();
