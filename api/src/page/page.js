// The plain page: studies and series on the left, the panes on the right, straight from the API and nothing else.
// Start at `start`. `viewer.js` decides what a pane shows, `loader.js` and `stack.js` fetch it, `hands.js` listens to the user.

import { addressOf, shownBy } from "./address.js";
import { byId, offerLanguage } from "./elements.js";
import { listenToHands } from "./hands.js";
import { isLinked } from "./link.js";
import { isSignedIn, signIn, signInWith, signOut, startAnew, takeFromAddress } from "./login.js";
import { Measuring } from "./measuring.js";
import { Panes } from "./panes.js";
import { placesOf } from "./places.js";
import { askJson, onRefused } from "./server.js";
import { DRAGGED, Shelf, imagesOf, seriesOf, studyNamed } from "./shelf.js";
import { Uploads } from "./uploads.js";
import { dateText, language, t, translate } from "./words.js";

/** The address follows the hand this late: a browser takes so many changes of it and no more. */
const ADDRESS_MS = 200;

/** As the style sheet has it. */
const SMALL = "(max-width: 820px)";
/** A finger walks slices: a window is set by presets, or by the tool. */
const FINGER = "(pointer: coarse)";

// Before anything is made of what the document has.
document.documentElement.lang = language;
translate(document);

let addressTimer = 0;
/** Whether what the address named is shown: until then it stays as it came, through a login, too. */
let isStarted = false;
/** The study that is open on the shelf. */
let openStudy = null;
/** The newest series asked for, by pane. */
const newest = new WeakMap();

const panes = new Panes({ remember: () => remember(), follow: (viewer, uid, frame) => openImage(viewer, uid, frame).catch(fail) });
const fail = (error) => panes.active.fail(error);
const shelf = new Shelf({
  chosen: (study, series) => openSeries(panes.target, study, series).then(() => panes.focus(panes.active), fail),
  opened: (study) => {
    openStudy = study.study_id;
    fail(null);
    remember();
  },
  again: () => restart(),
  deleted: (study) => {
    openStudy = null;
    panes.forget(study.study_id);
    rememberNow();
    restart();
  },
});
new Uploads(() => shelf.list().catch((error) => shelf.refuse(error)));

/** Shows a series in a pane; `state` as a viewer has it, `listed` where its images are asked for already. */
async function openSeries(viewer, study, series, state = {}, listed = imagesOf(series.series_id)) {
  newest.set(viewer, series);
  const images = await listed;
  if (newest.get(viewer) !== series) return;
  shelf.spread(false);
  viewer.open(study, series, images, state);
  if (matchMedia(SMALL).matches) showShelf(false);
  rememberNow();
}

/** Shows an image among those of its series. */
async function openImage(viewer, uid, frame) {
  const claim = {};
  newest.set(viewer, claim);
  const { metadata: { study_id: studyId, series_id: seriesId } } = await askJson(`dicom/images/${encodeURIComponent(uid)}?width=16`);
  const [study, images, series] = await Promise.all([studyNamed(studyId), imagesOf(seriesId), seriesOf(studyId)]);
  const isNamed = (place) => place.image.sop_instance_uid === uid && place.frame === frame;
  if (newest.get(viewer) !== claim) return;
  const at = placesOf(images).findIndex(isNamed);
  if (at < 0) throw new Error(t("page.unlisted"));
  await openSeries(viewer, study, series.find(({ series_id: id }) => id === seriesId), { at });
  panes.focus(viewer);
}

/** Keeps what is shown in the address, so that reloading or sharing it shows the same. */
function remember() {
  clearTimeout(addressTimer);
  addressTimer = setTimeout(rememberNow, ADDRESS_MS);
}

function rememberNow() {
  clearTimeout(addressTimer);
  if (!isStarted) return;
  addressTimer = 0;
  shelf.mark(panes.active.series?.series_id);
  if (!isLinked) history.replaceState(null, "", `#${addressOf(panes, openStudy)}`);
}

/** Lists the studies; shows what the address names, or opens the only study there is. */
async function start() {
  const address = new URLSearchParams(location.hash.slice(1));
  const offers = askJson("dicom/presets").then(({ presets, free_windows: areFree }) => Object.assign(panes, { presets, areWindowsFree: areFree }));
  if (isLinked && !address.get("study")) return offers.then(() => openLinked(address));
  const shown = shownBy(address);
  const ahead = askAhead(shown);
  const [studies] = await Promise.all([shelf.list(), offers]);
  if (shown.panes.some(({ study }) => study)) await openNamed(shown, studies, ahead);
  else if (studies.length === 1) await shelf.open(studies[0]);
  // Where there is a choice, and nothing to see yet, studies have the room.
  else if (!matchMedia(SMALL).matches && !panes.viewers.some(({ series }) => series)) shelf.spread(true);
}

/** Asks for what an address names by the time that it is known whose it is: series by study, images by series. What is not there is told
 *  of when it is opened. */
function askAhead({ panes: named }) {
  const isNew = ({ study, series }, nth) => study && series && panes.viewers[nth]?.series?.series_id !== series;
  const news = named.filter(isNew);
  const asked = (names, ask) => new Map([...new Set(names)].map((name) => [name, ask(name)]));
  const ahead = { series: asked(news.map(({ study }) => study), seriesOf), images: asked(news.map(({ series }) => series), imagesOf) };
  for (const answer of [...ahead.series.values(), ...ahead.images.values()]) answer.catch(() => {});
  return ahead;
}

/** Shows what an address names. A refresh leaves alone what is shown already. */
async function openNamed({ layout, active, panes: named, planes }, studies, ahead) {
  // A refresh leaves planes as they are, too.
  if (layout !== panes.layout) panes.lay(layout);
  const isNamed = (name) => (study) => [study.study_id, study.study_instance_uid].includes(name);
  const open = async ({ study: name, series: seriesId, state }, viewer, isOnShelf) => {
    if (!name) return;
    const study = studies.find(isNamed(name)) ?? await studyNamed(name);
    const listed = ahead.series.get(name) ?? seriesOf(name);
    const series = await (isOnShelf ? shelf.open(study, listed) : listed);
    const one = series.find(({ series_id: id }) => id === seriesId);
    if (one && viewer.series?.series_id !== seriesId) await openSeries(viewer, study, one, state, ahead.images.get(seriesId));
  };
  const viewers = panes.viewers;
  panes.activate(viewers[active]);
  const isFirst = named.findIndex(({ study }) => study);
  const onShelf = named[active]?.study ? active : isFirst;
  await Promise.all(named.map((one, nth) => open(one, viewers[nth], nth === onShelf)));
  if (planes && !panes.isResliced) panes.reslice(true, planes);
}

/** Shows the series or the image that a link is of, whose study is not shown. */
async function openLinked(address) {
  shelf.tell(t("page.linked"));
  const [series, image] = [address.get("series"), address.get("image")];
  const images = series ? await imagesOf(series) : [{ image_id: image }];
  if (!images[0]?.image_id) return;
  const { metadata } = await askJson(`dicom/images/${encodeURIComponent(images[0].image_id)}?width=16`);
  if (panes.active.series) return;
  panes.active.open(metadata, metadata, series ? images : [metadata]);
  panes.focus(panes.active);
}

const restart = () => start().then(() => {
  isStarted = true;
  rememberNow();
}, (error) => {
  // What is not there stays in the address until somebody opens something else.
  if (error.status !== 401) isStarted = true;
  fail(error);
});
byId("refresh").addEventListener("click", restart);
addEventListener("hashchange", () => {
  takeFromAddress();
  restart();
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  shelf.spread(false);
  panes.focus(panes.active);
});

/** On a small screen studies and pictures take turns. */
function showShelf(isShown) {
  byId("shelf").classList.toggle("away", !isShown);
  byId("shelf-toggle").setAttribute("aria-expanded", String(isShown));
}
byId("shelf-toggle").addEventListener("click", () => showShelf(byId("shelf").classList.contains("away")));

offerLanguage(() => addressTimer && rememberNow());

/** A series that is dropped on a pane is shown there. */
panes.listen((stage, viewer) => {
  const isSeries = ({ dataTransfer }) => dataTransfer.types.includes(DRAGGED);
  stage.addEventListener("dragover", (event) => {
    if (!isSeries(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    stage.classList.add("target");
  });
  stage.addEventListener("dragleave", () => stage.classList.remove("target"));
  stage.addEventListener("drop", (event) => {
    stage.classList.remove("target");
    if (!isSeries(event)) return;
    event.preventDefault();
    const { study, series } = JSON.parse(event.dataTransfer.getData(DRAGGED));
    panes.activate(viewer);
    openSeries(panes.target, study, series).then(() => panes.focus(viewer), fail);
  });
});

/** Shows the form where nobody is signed in, and the way out where somebody is. */
function showLogin(isNeeded) {
  byId("sign-in").hidden = !isNeeded;
  byId("sign-out").hidden = isLinked || !isSignedIn();
}

// Who was signed in, and is not any more, sees nothing of what is shown.
onRefused(() => (byId("studies").children.length ? startAnew() : showLogin(true)));

async function letIn() {
  const [username, password, given] = ["username", "password", "token"].map((name) => byId(name).value);
  if (given.trim()) signInWith(given.trim());
  else await signIn(username.trim(), password);
  for (const name of ["password", "token"]) byId(name).value = "";
  showLogin(false);
  fail(null);
  restart();
}

byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  byId("refused").textContent = "";
  letIn().catch((error) => { byId("refused").textContent = error.message; });
});
byId("sign-out").addEventListener("click", async () => {
  await signOut();
  clearTimeout(addressTimer);
  history.replaceState(null, "", location.pathname);
  startAnew();
});
takeFromAddress();
showLogin(false);
listenToHands(panes, new Measuring(panes));
if (matchMedia(FINGER).matches) panes.choose("scroll");
restart();
// A browser takes long to write its first date: it does so while the server is asked.
setTimeout(() => dateText("2000-01-01"));
