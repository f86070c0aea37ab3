// The words of the page, in the language of whoever reads it. `texts.*.js` hold them, one file a language.
// A language is chosen for as long as the page lives: another one comes with a reload.

import de from "./texts.de.js";
import en from "./texts.en.js";

const TEXTS = { en, de };
const KEPT = "noctis-language";
/** What an element is marked with, and where the words go. */
const PLACES = { "data-t": "textContent", "data-t-title": "title", "data-t-placeholder": "placeholder", "data-t-label": "ariaLabel" };

/** What the person chose, else the first that their browser asks for and there is, else English. */
export const language = [chosen(), ...navigator.languages.map((tag) => tag.split("-")[0].toLowerCase())].find((one) => Object.hasOwn(TEXTS, one)) ?? "en";

/** With the country that the browser names, if it is of that language. */
const locale = navigator.languages.find((tag) => tag.split("-")[0].toLowerCase() === language) ?? language;

let dates = null;

/** `2026-01-15` as people of this language write it. */
export function dateText(date) {
  const noon = new Date(`${date}T12:00:00Z`);
  return Number.isNaN(noon.getTime()) ? date : (dates ??= new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" })).format(noon);
}

/** The language after this one, around and around, and in its own words its name and what leads to it. */
export const next = nextAfter(Object.keys(TEXTS));

function nextAfter(languages) {
  const other = languages[(languages.indexOf(language) + 1) % languages.length];
  return { language: other, name: TEXTS[other]["language.name"], title: TEXTS[other]["language.switch"] };
}

function chosen() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/** The page is in this language from its next start on, where the browser keeps anything. */
export function choose(other) {
  try {
    localStorage.setItem(KEPT, other);
  } catch { /* Nothing is kept here. */ }
}

/** The words of a key, with `values` in place of `{name}`. */
export function t(key, values = {}) {
  return TEXTS[language][key].replace(/\{(\w+)\}/g, (mark, name) => values[name] ?? mark);
}

/** The words for so many: those of `key.one` or `key.many`, with `{number}`. */
export const count = (number, key) => t(`${key}.${number === 1 ? "one" : "many"}`, { number });

/** Fills what is marked in `root`, in templates too. */
export function translate(root) {
  for (const [mark, place] of Object.entries(PLACES)) {
    for (const element of root.querySelectorAll(`[${mark}]`)) element[place] = t(element.getAttribute(mark));
  }
  for (const { content } of root.querySelectorAll("template")) translate(content);
}
