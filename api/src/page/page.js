// The plain page: studies and series on the left, the viewer on the right, straight from the API and nothing else.
// Start at `start`. `viewer.js` decides what is seen, `loader.js` fetches it, `hands.js` listens to the user.

import { byId, make, personName, say, showError } from "./elements.js";
import { listenToHands } from "./hands.js";
import { isLinked } from "./link.js";
import { signIn, signInWith, signOut, startAnew, takeFromAddress } from "./login.js";
import { askJson, askPicture, showLogin } from "./server.js";
import { Viewer } from "./viewer.js";

const EMPTY_RETRY_MS = 3000;
const TYPING_MS = 250;
const viewer = new Viewer();
/** The newest list and the newest series asked for: an answer that comes late must not replace a newer one. */
let newestList = null;
let newestSeries = null;
let emptyTimer = 0;
let typingTimer = 0;

const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;
const dotted = (...values) => values.filter(Boolean).join(" · ");
const id = encodeURIComponent;

/** The list, page by page: `cursor` is what the page before gave as `next`. */
async function listStudies(cursor) {
  clearTimeout(emptyTimer);
  const query = new URLSearchParams();
  const words = byId("query").value.trim();
  if (words) query.set("q", words);
  if (cursor) query.set("cursor", cursor);
  const asked = newestList = Symbol("list");
  const { studies, next } = await askJson(`dicom/studies?${query}`);
  if (asked !== newestList) return studies;
  const items = studies.map(studyItem);
  if (cursor) byId("studies").append(...items);
  else byId("studies").replaceChildren(...items);
  byId("more").hidden = !next;
  byId("more").onclick = () => listStudies(next).catch(showError);
  say(`${count(studies.length, "study", "studies")} listed`);
  if (!studies.length && !cursor) nothingYet(Boolean(words));
  return studies;
}

function nothingYet(searched) {
  const text = searched ? "No study matches." : "No studies yet. They appear here as they are indexed.";
  byId("studies").replaceChildren(make("li", { className: "empty", textContent: text }));
  if (!searched) emptyTimer = setTimeout(() => start().catch(showError), EMPTY_RETRY_MS);
}

function studyItem(study) {
  const seriesCount = count(study.series_count, "series", "series");
  const imageCount = count(study.image_count, "image", "images");
  const button = make("button", { type: "button", className: "study" },
    make("strong", { textContent: personName(study.patient_name) }),
    make("span", { textContent: study.study_description || "No description" }),
    make("span", { textContent: dotted(study.study_date, seriesCount, imageCount) }),
    make("span", { className: "chips" }, ...(study.modalities ?? []).map((name) => make("b", { textContent: name }))));
  const list = make("ul", { className: "series-list", hidden: true });
  const item = make("li", {}, button, list);
  item.dataset.study = study.study_id;
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => {
    if (list.hidden) openStudy(item, study).catch(showError);
    else close(item);
  });
  return item;
}

function close(item) {
  item.querySelector(".study").setAttribute("aria-expanded", "false");
  item.querySelector(".series-list").hidden = true;
}

async function openStudy(item, study) {
  for (const other of byId("studies").children) if (other !== item && other.dataset.study) close(other);
  item.querySelector(".study").setAttribute("aria-expanded", "true");
  const list = item.querySelector(".series-list");
  list.hidden = false;
  const { series } = await askJson(`dicom/studies/${id(study.study_id)}/series`);
  list.replaceChildren(...series.map((one) => make("li", {}, seriesButton(study, one))));
  if (viewer.study?.study_id !== study.study_id) remember({ study: study.study_id });
  showError(null);
}

function seriesButton(study, series) {
  const thumb = make("img", { className: "thumb", alt: "", width: 72, height: 72 });
  const name = series.series_description || series.body_part || "Series";
  const button = make("button", { type: "button", className: "series" }, thumb,
    make("span", {}, make("strong", { textContent: name }),
      make("span", { textContent: dotted(series.modality, count(series.image_count, "image", "images")) })));
  button.dataset.series = series.series_id;
  button.addEventListener("click", () => openSeries(button, study, series).catch(showError));
  thumbnails.observe(button);
  return button;
}

const seriesImages = async (seriesId) => (await askJson(`dicom/series/${id(seriesId)}/images`)).images;

async function openSeries(button, study, series) {
  newestSeries = series;
  const images = await seriesImages(series.series_id);
  if (series !== newestSeries) return;
  for (const other of document.querySelectorAll(".series[aria-current]")) other.removeAttribute("aria-current");
  button.setAttribute("aria-current", "true");
  remember({ study: study.study_id, series: series.series_id });
  viewer.open(study, series, images);
  byId("stage").focus({ preventScroll: true });
}

/** Loads the thumbnails of the series that are on the screen, of the image in the middle of each. */
const thumbnails = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    thumbnails.unobserve(target);
    loadThumbnail(target).catch(() => { target.querySelector("img").alt = "No preview"; });
  }
});

async function loadThumbnail(button) {
  const images = await seriesImages(button.dataset.series);
  const middle = images[Math.floor((images.length - 1) / 2)];
  if (!middle) return;
  const { url } = await askPicture(`dicom/images/${id(middle.image_id)}/thumbnail?size=128`);
  const thumb = button.querySelector("img");
  thumb.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
  thumb.src = url;
}

/** Keeps what is open in the address, so that reloading or sharing it opens the same. */
const remember = (open) => history.replaceState(null, "", `#${new URLSearchParams(open)}`);

/** Lists the studies; opens the study and series that the address names, or the only study there is. */
async function start() {
  const { presets, free_windows: areFree } = await askJson("dicom/presets");
  Object.assign(viewer, { presets, areWindowsFree: areFree });
  const address = new URLSearchParams(location.hash.slice(1));
  if (isLinked && !address.get("study")) return openLinked(address);
  const studies = await listStudies();
  const named = address.get("study");
  if (named) {
    const study = studies.find((study) => [study.study_id, study.study_instance_uid].includes(named))
      ?? await askJson(`dicom/studies/${id(named)}`);
    let item = [...byId("studies").children].find((item) => item.dataset.study === study.study_id);
    if (!item) byId("studies").prepend(item = studyItem(study));
    await openStudy(item, study);
    const button = item.querySelector(`[data-series="${CSS.escape(address.get("series") ?? "")}"]`);
    // A refresh leaves the series alone that is being looked at.
    if (button && button.dataset.series === viewer.series?.series_id) button.setAttribute("aria-current", "true");
    else button?.click();
  } else if (studies.length === 1) {
    await openStudy(byId("studies").firstElementChild, studies[0]);
  }
}

/** Shows the series or the image that a link is of, whose study is not shown. */
async function openLinked(address) {
  byId("studies").replaceChildren(make("li", { className: "empty", textContent: "This link shows a part of a study." }));
  const [series, image] = [address.get("series"), address.get("image")];
  const images = series ? await seriesImages(series) : [{ image_id: image }];
  if (!images[0]?.image_id) return;
  const { metadata } = await askJson(`dicom/images/${id(images[0].image_id)}?width=16`);
  if (viewer.series) return;
  viewer.open(metadata, metadata, series ? images : [metadata]);
  byId("stage").focus({ preventScroll: true });
}

const restart = () => start().catch(showError);
byId("refresh").addEventListener("click", restart);
addEventListener("hashchange", () => {
  takeFromAddress();
  restart();
});
byId("search").addEventListener("submit", (event) => event.preventDefault());
byId("query").addEventListener("input", () => {
  clearTimeout(typingTimer);
  typingTimer = setTimeout(() => listStudies().catch(showError), TYPING_MS);
});

async function letIn() {
  const [username, password, given] = ["username", "password", "token"].map((name) => byId(name).value);
  if (given.trim()) signInWith(given.trim());
  else await signIn(username.trim(), password);
  for (const name of ["password", "token"]) byId(name).value = "";
  showLogin(false);
  showError(null);
  restart();
}

byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  byId("refused").textContent = "";
  letIn().catch((error) => { byId("refused").textContent = error.message; });
});
byId("sign-out").addEventListener("click", async () => {
  await signOut();
  history.replaceState(null, "", location.pathname);
  startAnew();
});
takeFromAddress();
showLogin(false);
listenToHands(viewer);
restart();
