// The words of the page: the texts of every language against each other and against their use, and the page in German.
import assert from "node:assert/strict";
import fs from "node:fs";
import { beforeEach, test } from "node:test";
import { VIEWPORT } from "./browser.mjs";
import { openPage, page, usePages } from "./pages.mjs";
import { BASE, CT_SERIES, DEMO_PATIENT, drawn, openIn } from "./viewer.mjs";

usePages();

const FOLDER = new URL("../../api/src/page/", import.meta.url);
const read = (name) => fs.readFileSync(new URL(name, FOLDER), "utf8");
/** The texts of a file, which node does not take for a module by its name. */
const textsOf = async (name) => (await import(`data:text/javascript;base64,${Buffer.from(read(name)).toString("base64")}`)).default;
const TEXTS = Object.fromEntries(await Promise.all(fs.readdirSync(FOLDER).filter((name) => /^texts\..+\.js$/.test(name))
  .map(async (name) => [name.split(".")[1], await textsOf(name)])));
const { en, de } = TEXTS;
const SOURCES = Object.fromEntries(fs.readdirSync(FOLDER).filter((name) => /\.(js|html)$/.test(name) && !name.startsWith("texts.")).map((name) => [name, read(name)]));

/** Names that are placed into a text. */
const placesIn = (text) => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))].sort();

/** `[key, file]` of everything that asks for words. */
function* asked() {
  for (const [file, source] of Object.entries(SOURCES)) {
    for (const [, key] of source.matchAll(/(?<![\w.])t\("([^"]+)"/g)) yield [key, file];
    for (const [, key] of source.matchAll(/(?<![\w.])count\([^"\n]*?, "([^"]+)"\)/g)) yield* [[`${key}.one`, file], [`${key}.many`, file]];
    for (const [, key] of source.matchAll(/\bdata-t(?:-\w+)?="([^"]+)"/g)) yield [key, file];
    for (const [, key] of source.matchAll(/TEXTS\[\w+\]\["([^"]+)"\]/g)) yield [key, file];
  }
}

test("the languages have the same keys, with the same places for values, and no empty text", () => {
  assert.deepEqual(Object.keys(TEXTS).sort(), ["de", "en"]);
  for (const [language, texts] of Object.entries(TEXTS)) {
    assert.deepEqual(Object.keys(texts), Object.keys(en), `${language} has the keys of English, in their order`);
    for (const [key, text] of Object.entries(texts)) {
      assert.ok(typeof text === "string" && text.trim() === text && text, `${language}: "${key}" is "${text}"`);
      assert.deepEqual(placesIn(text), placesIn(en[key]), `${language}: "${key}"`);
    }
  }
});

test("no key stands twice in a file", () => {
  for (const language of Object.keys(TEXTS)) {
    const keys = [...read(`texts.${language}.js`).matchAll(/^ {2}"([^"]+)":/gm)].map(([, key]) => key);
    assert.equal(new Set(keys).size, keys.length);
    assert.equal(keys.length, Object.keys(TEXTS[language]).length);
  }
});

test("every text is used, and everything that asks for one gets it", () => {
  const used = new Set();
  for (const [key, file] of asked()) {
    assert.ok(key in en, `${file} asks for "${key}"`);
    used.add(key);
  }
  assert.deepEqual(Object.keys(en).filter((key) => !used.has(key)), []);
});

test("values that are placed are those that the text has places for", () => {
  for (const [file, source] of Object.entries(SOURCES)) {
    for (const [, key, values] of source.matchAll(/(?<![\w.])t\("([^"]+)"(?:, \{([^{}]*)\})?\)/g)) {
      if (values?.includes("...")) continue;
      const names = (values ?? "").split(/,(?![^(]*\))/).map((one) => one.split(":")[0].trim()).filter(Boolean).sort();
      assert.deepEqual(names, placesIn(en[key]), `${file}: "${key}"`);
    }
  }
});

test("the documents have no words of their own", () => {
  // Keys and millimetres are called the same everywhere.
  const bare = (SOURCES["index.html"] + SOURCES["machine.html"]).replace(/<head>.*?<\/head>|<noscript>.*?<\/noscript>|<kbd>.*?<\/kbd>|>\d+ mm</gs, "");
  const words = [...bare.matchAll(/>([^<]*)</g)].map(([, text]) => text.trim()).filter((text) => /\p{L}/u.test(text));
  assert.deepEqual(words.filter((text) => text !== "Noctis"), []);
  assert.deepEqual([...bare.matchAll(/ (?:title|placeholder|aria-label|alt)="[^"]+"/g)].map(([found]) => found), []);
});

/** A page of a browser that asks for a language. */
async function pageIn(locale, options = {}) {
  await page.context().close();
  await openPage({ viewport: VIEWPORT, locale, ...options });
}

beforeEach(() => pageIn("de-DE"));

const button = (name) => page.getByRole("button", { name, exact: true });
const isIn = async (language) => assert.equal(await page.evaluate(() => document.documentElement.lang), language);

/** Everything that can be read or is said: texts, and attributes that have words. */
const wordsOf = () => page.evaluate(() => {
  const words = [];
  for (const element of document.querySelectorAll("body, body *")) {
    if (element.closest("script, noscript, template, #language") || !element.checkVisibility({ visibilityProperty: true })) continue;
    for (const node of element.childNodes) if (node.nodeType === Node.TEXT_NODE) words.push(node.data);
    for (const name of ["title", "placeholder", "aria-label", "alt", "aria-valuetext"]) words.push(element.getAttribute(name) ?? "");
  }
  return words.map((text) => text.trim()).filter(Boolean);
});

/** Words that no German text has, and no data of the demonstration. */
const ENGLISH = /\b(the|of|slices?|frames?|pictures?|images?|studies|study|keys|tools|move|turn|fit|search|files|delete|close|held|rendered|cached|mean|angle|length|none)\b/i;
/** What the server says: presets, with what they are for. */
const isOfServer = async () => {
  const { presets } = await (await fetch(`${BASE}/api/v1/dicom/presets`)).json();
  return (text) => presets.some(({ description }) => text.startsWith(description));
};

async function noEnglish(least = 60) {
  const isData = await isOfServer();
  const words = (await wordsOf()).filter((text) => !isData(text));
  assert.ok(words.length > least, `${words.length} texts`);
  const differing = new Set(Object.keys(en).filter((key) => en[key] !== de[key] && !placesIn(en[key]).length).map((key) => en[key]));
  const german = new Set(Object.values(de));
  assert.deepEqual(words.filter((text) => differing.has(text) && !german.has(text)), []);
  assert.deepEqual(words.filter((text) => ENGLISH.test(text)), []);
}

test("whose browser asks for German gets the page in German", async () => {
  await page.goto(`${BASE}/`);
  await page.locator(".study", { hasText: DEMO_PATIENT }).waitFor();
  await isIn("de");
  await page.getByText("Eine Serie auswählen, um ihre Bilder zu sehen.").waitFor();
  assert.equal(await page.getByRole("searchbox").getAttribute("placeholder"), "Patient, Studie, Accession-Nr. suchen");
  const words = await page.locator(".study", { hasText: DEMO_PATIENT }).textContent();
  for (const expected of ["15.01.2026", "4 Serien · 98 Bilder"]) assert.ok(words.includes(expected), words);
  await openIn(page, CT_SERIES);
  for (const name of ["Fenster", "Blättern", "Länge", "Winkel", "Rechteck", "Invertieren", "Dateien hinzufügen", "Tasten", "Abspielen", "Standard", "lung"]) {
    assert.ok(await button(name).isVisible(), name);
  }
  assert.equal(await page.locator(".stage.active [data-part=slice]").textContent(), "Schicht 36 / 72");
  assert.equal(await page.locator("#slider").getAttribute("aria-valuetext"), "Schicht 36 von 72");
  assert.equal(await page.locator(".stage.active").getAttribute("aria-label"), "Bild 1");
  await page.locator("#fact-source").filter({ hasText: /vorgehalten|gerendert|Cache/ }).waitFor();
  await page.locator(".stage.active").focus();
  await page.keyboard.press("m");
  await page.keyboard.press("Enter");
  await page.locator("#measure-list").getByRole("button", { name: /^Länge · Schicht 36 · [\d.]+ mm$/ }).waitFor();
  await noEnglish();
  await button("Tasten").click();
  await page.getByRole("dialog").getByText("nächste Schicht, in Richtung Füße").waitFor();
  await noEnglish();
});

test("planes are in German, and a series that makes none is refused in German", async () => {
  await openIn(page, CT_SERIES);
  await page.locator(".stage.active").focus();
  await page.keyboard.press("x");
  await page.waitForFunction(() => document.querySelectorAll(".stage.plane canvas:not([hidden])").length === 3);
  const slices = await page.locator(".stage.plane [data-part=slice]").allTextContents();
  for (const [nth, name] of ["Axial", "Koronal", "Sagittal"].entries()) assert.ok(slices[nth].startsWith(`${name} `), slices[nth]);
  assert.deepEqual(await page.locator(".stage.plane").evaluateAll((stages) => stages.map((stage) => stage.ariaLabel)), ["Axiale Ebene", "Koronale Ebene", "Sagittale Ebene"]);
  assert.deepEqual(await page.locator(".stage.plane").evaluateAll((stages) => new Set(stages.map((stage) => getComputedStyle(stage.querySelector("[data-part=slice]")).color)).size), 3);
  await noEnglish();
  await page.locator(".series", { hasText: "Chest PA" }).click();
  await page.locator(".stage.plane .error", { hasText: "MPR braucht mindestens 3 Schichten: Diese Serie hat 1." }).first().waitFor();
});

test("the state of the machine is in German", async () => {
  await page.goto(`${BASE}/machine`);
  await page.locator(".live.now", { hasText: "laufend, Stand" }).waitFor();
  await isIn("de");
  assert.equal(await page.title(), "Zustand der Maschine");
  for (const name of ["Spuren", "Worker", "Wo Bilder lagen", "Aufträge"]) assert.ok(await page.getByRole("heading", { name, exact: true }).isVisible(), name);
  // Codes are called as in metrics and logs, everywhere.
  await page.evaluate(() => document.querySelectorAll("code, [data-part=workers] tbody, #back-ends").forEach((told) => told.remove()));
  await noEnglish(40);
});

test("what is not there is told in German, what the server says in its own words", async () => {
  await page.goto(`${BASE}/`);
  await page.locator(".study").first().waitFor();
  await page.getByRole("searchbox").fill("nobody of this name");
  await page.getByText("Keine Studie gefunden.").waitFor();
  await page.goto(`${BASE}/#study=00000000-0000-0000-0000-000000000000`);
  await page.reload();
  await page.locator(".stage.active .error:visible").waitFor();
  const { title } = await (await fetch(`${BASE}/api/v1/dicom/studies/00000000-0000-0000-0000-000000000000`)).json();
  assert.ok((await page.locator(".stage.active .error").textContent()).startsWith(title));
  await page.route("**/api/v1/dicom/presets", (route) => route.abort());
  await page.reload();
  await page.locator(".stage.active .error", { hasText: "Der Server antwortet nicht" }).waitFor();
});

test("another language is chosen, kept and taken back, and the address stays", async () => {
  await openIn(page, CT_SERIES);
  await page.locator("#slider").fill("9");
  await button("English").click();
  await button("Deutsch").waitFor();
  const isAsBefore = async () => {
    await drawn(page);
    await page.locator("#place", { hasText: "9 / 72" }).waitFor();
    assert.match(page.url(), /[#&]at=9\b/);
  };
  await isAsBefore();
  await isIn("en");
  await page.getByRole("button", { name: "Invert", exact: true }).waitFor();
  await page.reload();
  await isAsBefore();
  await isIn("en");
  assert.equal(await button("Deutsch").getAttribute("lang"), "de");
  await button("Deutsch").click();
  await button("Invertieren").waitFor();
  await isAsBefore();
  await isIn("de");
});

test("the first language that there is counts, whatever its country; without any the page is in English", async () => {
  for (const [languages, expected] of [[["fr-FR", "de-AT", "en"], "de"], [["en-GB", "de"], "en"], [["fr"], "en"], [[], "en"], [["DE"], "de"]]) {
    await pageIn("en-US");
    await page.addInitScript((own) => Object.defineProperty(navigator, "languages", { get: () => own }), languages);
    await page.goto(`${BASE}/`);
    await page.locator("#language", { hasText: /./ }).waitFor();
    await isIn(expected);
  }
});

test("a browser that keeps nothing, or something that is no language, has the page none the less", async () => {
  await page.addInitScript(() => localStorage.setItem("noctis-language", "constructor"));
  await page.goto(`${BASE}/`);
  await button("English").waitFor();
  await pageIn("de-DE");
  await page.addInitScript(() => Object.defineProperty(window, "localStorage", { get: () => { throw new Error("kept from pages"); } }));
  await page.goto(`${BASE}/`);
  await button("English").click();
  await button("English").waitFor();
  await isIn("de");
});

test("on a phone the German page hangs over no edge", async () => {
  await pageIn("de-DE", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await page.goto(`${BASE}/`);
  await page.locator(".study").first().waitFor();
  for (const name of ["Studien", "English"]) {
    const { x, width } = await button(name).boundingBox();
    assert.ok(x >= 0 && x + width <= 390.5, name);
  }
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
});
