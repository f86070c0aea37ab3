// The header of the picture that is shown, as a list that is searched.

import { byId, make } from "./elements.js";
import { askJson, askText } from "./server.js";
import { count, t } from "./words.js";

const ROWS_MAX = 5000;
const VALUES_MAX = 12;
let keywords = null;
let rows = [];

/** Shows the header of an image. */
export async function showTags({ image }) {
  const [header, names] = await Promise.all([askJson(`dicom/images/${encodeURIComponent(image.image_id)}/metadata`), keywordsByTag()]);
  rows = [...rowsOf(header, names, 0)].slice(0, ROWS_MAX);
  byId("tag-words").value = "";
  find();
  byId("tags").showModal();
}

/** `TTTTTTTT` to keyword, of PS3.6. */
async function keywordsByTag() {
  keywords ??= askText("/page/keywords.txt").then((text) => new Map(text.trim().split("\n").map((line) => line.split(" ").reverse())));
  return keywords.catch(() => {
    keywords = null;
    return new Map();
  });
}

function* rowsOf(dataSet, names, depth) {
  for (const [tag, { vr, Value: values = [], InlineBinary: inline, BulkDataURI: away }] of Object.entries(dataSet)) {
    const name = names.get(tag) ?? (Number.parseInt(tag.slice(3, 4), 16) % 2 ? t("tags.private") : "");
    const value = vr === "SQ" ? count(values.length, "tags.items") : inline ? t("tags.bytes", { number: Math.floor(inline.length * 0.75) }) : away ? t("tags.bulk") : textOf(values);
    yield { depth, tag: `(${tag.slice(0, 4)},${tag.slice(4)})`, name, vr, value };
    if (vr !== "SQ") continue;
    for (const [nth, item] of values.entries()) {
      yield { depth: depth + 1, tag: t("tags.item", { number: nth + 1 }), name: "", vr: "", value: "" };
      yield* rowsOf(item ?? {}, names, depth + 2);
    }
  }
}

function textOf(values) {
  const one = (value) => (value === null ? "" : typeof value === "object" ? [value.Alphabetic, value.Ideographic, value.Phonetic].filter(Boolean).join(" = ") : String(value));
  const shown = values.slice(0, VALUES_MAX).map(one).join(" \\ ");
  return values.length > VALUES_MAX ? `${shown} … ${t("tags.values", { number: values.length })}` : shown;
}

/** Shows the rows that have all of the words in them. */
function find() {
  const words = byId("tag-words").value.toLowerCase().split(/\s+/).filter(Boolean);
  const isFound = ({ tag, name, vr, value }) => words.every((word) => `${tag} ${tag.replace(/\D/g, "")} ${name} ${vr} ${value}`.toLowerCase().includes(word));
  const found = rows.filter(isFound);
  byId("tag-count").textContent = t("tags.found", { found: found.length, count: rows.length });
  byId("tag-rows").replaceChildren(...found.map(({ depth, tag, name, vr, value }) => {
    const row = make("tr", {}, ...[tag, name, vr, value].map((textContent) => make("td", { textContent })));
    row.firstElementChild.style.paddingInlineStart = `${depth * 14}px`;
    return row;
  }));
}

byId("tag-words").addEventListener("input", find);
