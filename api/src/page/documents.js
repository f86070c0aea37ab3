// What is no picture: documents, videos, structured reports, presentation states; each as the standard renders it (PS3.18 8.7.4).

import { make, whenSeen } from "./elements.js";
import { text, values } from "./header.js";
import { askBlob, askBlobs, askJson, showIn } from "./server.js";
import { t } from "./words.js";

const PDF = "1.2.840.10008.5.1.4.1.1.104.1";
const CDA = "1.2.840.10008.5.1.4.1.1.104.2";
const REPORT = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.88\./;
const STATE = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.11\./;
const VIDEO = /^1\.2\.840\.10008\.1\.2\.4\.10\d/;

/** What an instance is that is no picture: `pdf`, `xml`, `report`, `state`, `video`, `other`; `null` of one that is. */
export function kindOf({ sop_class_uid: sopClass, transfer_syntax_uid: syntax, frame_count: frames }) {
  if (VIDEO.test(syntax ?? "")) return "video";
  if (sopClass === PDF) return "pdf";
  if (sopClass === CDA) return "xml";
  if (REPORT.test(sopClass ?? "")) return "report";
  if (STATE.test(sopClass ?? "")) return "state";
  return frames === 0 ? "other" : null;
}

/** An element that shows it; `follow(uid, frame)` opens an image that it names. What it shows by an address of this page is forgotten by
 *  `forget`. */
export async function documentOf(study, series, image, follow) {
  const instance = `/dicom-web/studies/${study.study_instance_uid}/series/${series.series_instance_uid}/instances/${image.sop_instance_uid}`;
  switch (kindOf(image)) {
    case "report": return reportOf((await askJson(`${instance}/metadata`))[0], follow);
    case "state": return picturesOf(await askBlobs(`${instance}/rendered`, "image/png"));
    case "xml": return xmlOf(await (await askBlob(`${instance}/rendered`, "text/xml")).text());
    case "pdf": return pdfOf(await askBlob(`${instance}/rendered`, "application/pdf"));
    case "video": {
      const src = URL.createObjectURL(await askBlob(`${instance}/rendered`, "video/*"));
      return make("video", { src, controls: true, loop: true, className: "document" });
    }
    default: return make("p", { className: "document text", textContent: t("document.none") });
  }
}

/** Gives back what an element of `documentOf` holds. */
export function forget(element) {
  for (const { src } of [element, ...element.querySelectorAll("[src]")]) if (src?.startsWith("blob:")) URL.revokeObjectURL(src);
}

/** All that a presentation state makes, one below the other, and why there is none. */
async function picturesOf(blobs) {
  const one = async (blob) => {
    if (blob.type.startsWith("image/")) return make("img", { src: URL.createObjectURL(blob), alt: t("document.state") });
    const { title, detail } = JSON.parse(await blob.text());
    return make("p", { textContent: [title, detail].filter(Boolean).join(": ") });
  };
  return make("div", { className: "document pictures" }, ...await Promise.all(blobs.map(one)));
}

function pdfOf(blob) {
  const src = URL.createObjectURL(blob);
  const away = make("a", { href: src, target: "_blank", rel: "noopener", textContent: t("document.alone"), className: "document-link" });
  return make("div", { className: "document" }, make("iframe", { src, title: t("document.title") }), away);
}

/** The words of a clinical document, without anything that runs. */
function xmlOf(source) {
  const read = new DOMParser().parseFromString(source, "text/xml");
  const words = read.documentElement.textContent.replace(/[ \t]*\n\s*/g, "\n").trim();
  return make("pre", { className: "document text", textContent: words });
}

/** The content tree of a structured report, or of a selection of key objects (PS3.3 C.17.3, C.17.6). */
function reportOf(header, follow) {
  const title = meaning(text(header, "0040A043")) ?? t("report.title");
  const root = make("article", { className: "document text report" }, make("h3", { textContent: title }));
  const facts = [[t("report.completion"), text(header, "0040A491")], [t("report.verification"), text(header, "0040A493")]].filter(([, value]) => value);
  if (facts.length) root.append(make("p", { className: "dim", textContent: facts.map((pair) => pair.join(": ")).join(" · ") }));
  root.append(itemsOf(header, { follow, seen: { count: 0 } }));
  return root;
}

const meaning = (code) => text(code, "00080104") ?? text(code, "00080100");

function itemsOf(item, images) {
  const list = make("ul");
  for (const child of values(item, "0040A730")) {
    const [name, value] = [meaning(text(child, "0040A043")), valueOf(child, images)];
    const row = make("li", {}, ...(name ? [make("strong", { textContent: name })] : []), ...(value ? [name ? ": " : "", value] : []));
    if (values(child, "0040A730").length) row.append(itemsOf(child, images));
    list.append(row);
  }
  return list;
}

/** By value type (PS3.3 C.17.3.2.1): words, or an element. */
function valueOf(item, images) {
  const person = (tag) => text(item, tag)?.Alphabetic?.replaceAll("^", " ").trim();
  switch (text(item, "0040A040")) {
    case "TEXT": return text(item, "0040A160");
    case "CODE": return meaning(text(item, "0040A168"));
    case "NUM": return numberOf(text(item, "0040A300"));
    case "PNAME": return person("0040A123");
    case "DATE": return text(item, "0040A121");
    case "TIME": return text(item, "0040A122");
    case "DATETIME": return text(item, "0040A120");
    case "UIDREF": return text(item, "0040A124");
    case "IMAGE": return imageOf(text(item, "00081199"), images);
    case "COMPOSITE": case "WAVEFORM": return text(text(item, "00081199"), "00081155");
    case "SCOORD": case "SCOORD3D": return `${text(item, "00700023") ?? t("report.coordinates")} ${t("report.numbers", { number: values(item, "00700022").length })}`;
    default: return null;
  }
}

/** A picture, asked for when it is seen, that leads to where it is from; its name where there is none for whoever looks. */
function imageOf(reference, { follow, seen }) {
  const uid = text(reference, "00081155");
  if (!uid) return null;
  const frame = Number(text(reference, "00081160") ?? 1);
  const words = t("report.open", { number: seen.count += 1 });
  const picture = make("img", { alt: words, width: 128, height: 128 });
  const button = make("button", { type: "button", className: "key-image", title: words }, picture);
  button.addEventListener("click", () => follow(uid, frame));
  const load = () => showIn(picture, `dicom/images/${encodeURIComponent(uid)}?format=png&frame=${frame}&width=128&height=128`)
    .catch(({ status }) => (status === 403 || status === 404) && button.replaceWith(uid));
  whenSeen(load).observe(button);
  return button;
}

function numberOf(measured) {
  const [value, unit] = [text(measured, "0040A30A"), text(measured, "004008EA")];
  const named = text(unit, "00080100");
  return value === null ? null : [value, named && named !== "1" ? named : null].filter((part) => part !== null).join(" ");
}
