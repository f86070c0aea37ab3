// The shelf on the left: studies, found as somebody types, and the series of those that are open.

import { byId, make, personName, say, whenSeen } from "./elements.js";
import { confirmed, handOver } from "./dialogs.js";
import { isLinked } from "./link.js";
import { askBlob, askJson, askToDelete, showIn } from "./server.js";
import { count, dateText, t } from "./words.js";

const EMPTY_RETRY_MS = 3000;
const TYPING_MS = 250;
/** Modalities that are offered to filter by (PS3.3 C.7.3.1.1.1). */
const MODALITIES = ["CR", "CT", "DX", "ECG", "ES", "MG", "MR", "NM", "OP", "OT", "PT", "RF", "SM", "SR", "US", "XA"];
/** Fields that filter the list, called as the server calls them. */
const FILTERS = ["modality", "from", "to"];

const dotted = (...values) => values.filter(Boolean).join(" · ");
const id = encodeURIComponent;

export const imagesOf = async (seriesId) => (await askJson(`dicom/series/${id(seriesId)}/images`)).images;
export const seriesOf = async (studyId) => (await askJson(`dicom/studies/${id(studyId)}/series`)).series;
export const studyNamed = (name) => askJson(`dicom/studies/${id(name)}`);

export class Shelf {
  #desk;
  /** The newest list asked for: an answer that comes late must not replace a newer one. */
  #newest = null;
  #emptyTimer = 0;
  #typingTimer = 0;
  /** What the list is sorted by, as the server calls it. */
  #sort = "-date";
  /** Loads the thumbnails of the series that are on the screen, of the image in the middle of each. */
  #thumbnails = whenSeen((button) => loadThumbnail(button).catch(() => { button.querySelector("img").alt = t("shelf.unseen"); }));
  /** The same for studies, where they stand as a table. One without pictures has none. */
  #portraits = whenSeen((image) => showIn(image, `/dicom-web/studies/${image.dataset.study}/thumbnail?viewport=96,96`).catch(() => {}));

  /** `desk.chosen(study, series)` when somebody takes a series, `desk.opened(study)` when a study is opened, `desk.again()` when
   *  there may be studies where there were none, `desk.deleted(study)`. */
  constructor(desk) {
    this.#desk = desk;
    byId("search").addEventListener("submit", (event) => event.preventDefault());
    byId("query").addEventListener("input", () => {
      clearTimeout(this.#typingTimer);
      this.#typingTimer = setTimeout(() => this.list().catch((error) => this.refuse(error)), TYPING_MS);
    });
    byId("modality").append(...MODALITIES.map((name) => make("option", { textContent: name })));
    for (const name of FILTERS) byId(name).addEventListener("change", () => this.list().catch((error) => this.refuse(error)));
    byId("sorts").addEventListener("click", ({ target: { dataset: { sort } } }) => {
      if (!sort) return;
      this.#sort = this.#sort === sort ? `-${sort}` : sort;
      this.#tellSort();
      this.list().catch((error) => this.refuse(error));
    });
    byId("spread").addEventListener("click", () => this.spread(byId("spread").getAttribute("aria-pressed") === "false"));
    this.#tellSort();
  }

  /** Says why something is not as it was asked for, or with `null` nothing any more. Where somebody has to sign in, the form says so. */
  refuse(error) { byId("shelf-refused").textContent = error && error.status !== 401 ? error.message : ""; }

  #tellSort() {
    for (const button of byId("sorts").querySelectorAll("button")) {
      const isUp = this.#sort === button.dataset.sort;
      const isSorted = isUp || this.#sort === `-${button.dataset.sort}`;
      button.setAttribute("aria-pressed", String(isSorted));
      button.dataset.way = isSorted ? (isUp ? "up" : "down") : "";
      button.title = !isSorted ? "" : isUp ? t("sort.up") : t("sort.down");
    }
  }

  /** Studies as a table across the page, or beside the pictures. */
  spread(isTable) {
    if (isTable === (byId("spread").getAttribute("aria-pressed") === "true")) return;
    document.querySelector(".room").classList.toggle("table", isTable);
    byId("spread").setAttribute("aria-pressed", String(isTable));
    // Beside pictures there is little room, but what filters is seen.
    byId("filters").open = isTable || FILTERS.some((name) => byId(name).value);
  }

  /** Lists studies, page by page: `cursor` is what the page before gave as `next`. */
  async list(cursor) {
    clearTimeout(this.#emptyTimer);
    const query = new URLSearchParams();
    const asks = { q: byId("query").value.trim(), ...Object.fromEntries(FILTERS.map((name) => [name, byId(name).value])) };
    for (const [name, value] of Object.entries(asks)) if (value) query.set(name, value);
    query.set("sort", this.#sort);
    if (cursor) query.set("cursor", cursor);
    const asked = this.#newest = Symbol("list");
    const { studies, next } = await askJson(`dicom/studies?${query}`);
    if (asked !== this.#newest) return studies;
    this.refuse(null);
    const items = studies.map((study) => this.#item(study));
    if (cursor) byId("studies").append(...items);
    else byId("studies").replaceChildren(...items);
    byId("more").hidden = !next;
    byId("more").onclick = () => this.list(next).catch((error) => this.refuse(error));
    say(count(studies.length, "shelf.listed"));
    if (!studies.length && !cursor) this.#tellNone(Object.values(asks).some(Boolean));
    return studies;
  }

  #tellNone(isSearched) {
    this.tell(isSearched ? t("shelf.unmatched") : t("shelf.none"));
    if (!isSearched) this.#emptyTimer = setTimeout(() => this.#desk.again(), EMPTY_RETRY_MS);
  }

  /** Words in place of studies. */
  tell(text) { byId("studies").replaceChildren(make("li", { className: "empty", textContent: text })); }

  #item(study) {
    const held = dotted(count(study.series_count, "count.series"), count(study.image_count, "count.image"));
    const portrait = make("img", { className: "portrait", alt: "", width: 48, height: 48 });
    portrait.dataset.study = study.study_instance_uid;
    this.#portraits.observe(portrait);
    const part = (className, textContent) => make("span", { className, textContent: textContent ?? "" });
    const button = make("button", { type: "button", className: "study" },
      portrait,
      make("strong", { className: "name", textContent: personName(study.patient_name) }),
      part("id only-table", study.patient_id),
      part("date", study.study_date ? dateText(study.study_date) : t("shelf.undated")),
      make("span", { className: "chips" }, ...(study.modalities ?? []).map((name) => make("b", { textContent: name }))),
      part("what", study.study_description || t("shelf.undescribed")),
      part("accession only-table", study.accession_number),
      part("held", held));
    const item = make("li", {}, button, make("ul", { className: "series-list", hidden: true }));
    item.dataset.study = study.study_id;
    button.setAttribute("aria-expanded", "false");
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-expanded") === "true") close(item);
      else this.open(study).catch((error) => this.refuse(error));
    });
    return item;
  }

  /** Opens a study, which is put on top where it is not listed; gives its series, which may be asked for already. */
  async open(study, listed = seriesOf(study.study_id)) {
    const named = (item) => item.dataset.study === study.study_id;
    let item = [...byId("studies").children].find(named);
    if (!item) byId("studies").prepend(item = this.#item(study));
    for (const other of byId("studies").children) if (other !== item && other.dataset.study) close(other);
    item.querySelector(".study").setAttribute("aria-expanded", "true");
    const list = item.querySelector(".series-list");
    list.hidden = false;
    const series = await listed;
    // Another one was opened meanwhile.
    if (list.hidden) return series;
    const actions = isLinked ? [] : [this.#actions(study)];
    list.replaceChildren(...series.map((one) => make("li", {}, this.#seriesButton(study, one))), ...actions);
    this.#desk.opened(study);
    return series;
  }

  /** What is done with a study as a whole. */
  #actions(study) {
    const act = (textContent, work) => {
      const button = make("button", { type: "button", className: "quiet", textContent });
      button.addEventListener("click", async () => {
        button.disabled = true;
        await work().catch((error) => this.refuse(error));
        button.disabled = false;
      });
      return button;
    };
    return make("li", { className: "actions" },
      act(t("shelf.download"), async () => handOver(await askBlob(`dicom/studies/${id(study.study_id)}/archive`), `${study.study_instance_uid}.zip`)),
      act(t("shelf.delete"), () => this.#delete(study)));
  }

  async #delete(study) {
    const whose = `${personName(study.patient_name)}, ${study.study_date ? dateText(study.study_date) : t("shelf.undated")}`;
    if (!await confirmed(t("shelf.ask", { whose, images: count(study.image_count, "count.image") }), t("act.delete"))) return;
    const { deleted } = await askToDelete(`dicom/studies/${id(study.study_id)}`);
    say(count(deleted.instances, "shelf.deleted"));
    this.#desk.deleted(study);
  }

  #seriesButton(study, series) {
    const thumb = make("img", { className: "thumb", alt: "", width: 72, height: 72, draggable: false });
    const name = series.series_description || series.body_part || t("shelf.series");
    const button = make("button", { type: "button", className: "series", draggable: true }, thumb,
      make("span", {}, make("strong", { textContent: name }),
        make("span", { textContent: dotted(series.modality, count(series.image_count, "count.image")) })));
    button.dataset.series = series.series_id;
    button.addEventListener("click", () => this.#desk.chosen(study, series));
    button.addEventListener("dragstart", ({ dataTransfer }) => {
      dataTransfer.setData(DRAGGED, JSON.stringify({ study, series }));
      dataTransfer.effectAllowed = "copy";
    });
    this.#thumbnails.observe(button);
    return button;
  }

  /** Marks the series that is shown. */
  mark(seriesId) {
    for (const button of document.querySelectorAll(".series")) {
      if (button.dataset.series === seriesId) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  }
}

/** The kind of what is dragged from the shelf: a study and a series of it. */
export const DRAGGED = "application/x-noctis-series";

function close(item) {
  item.querySelector(".study").setAttribute("aria-expanded", "false");
  item.querySelector(".series-list").hidden = true;
}

async function loadThumbnail(button) {
  const images = await imagesOf(button.dataset.series);
  const middle = images[Math.floor((images.length - 1) / 2)];
  if (middle) await showIn(button.querySelector("img"), `dicom/images/${id(middle.image_id)}/thumbnail?size=128`);
}
