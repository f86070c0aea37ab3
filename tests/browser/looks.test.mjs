// How the page looks: that its words can be read, that it has room for pictures on a small and on a large screen, and that it looks as in docs/pictures.
// NOCTIS_TEST_PICTURES=write writes these anew instead: look at them before they are kept.
import assert from "node:assert/strict";
import fs from "node:fs";
import { after, before, test } from "node:test";
import { ROOT, disk, file, pixels } from "../dicom.mjs";
import { VIEWPORT } from "./browser.mjs";
import { openPage, page, usePages } from "./pages.mjs";
import { BASE, CT_SERIES, DEMO_PATIENT, drawn, drawnHere, openIn, remove, store } from "./viewer.mjs";

usePages();

const PICTURES = new URL("../../docs/pictures/", import.meta.url);
const SCREEN = { width: 1366, height: 820 };
/** Pictures are compared by the mean of squares of so many pixels: fonts are smoothed otherwise elsewhere. */
const SQUARE = 8;
/** Grey levels by which a square may differ, and the share of squares that may differ by more: clocks and counts tell something else each time. */
const LEVELS = 20;
const SHARE = 0.02;
const OTHERS = [["Meyer^Anna", 71], ["Okafor^Chidi", 72], ["Østergård^Liv", 73]];

before(async () => {
  const slice = ([patient, number]) => file({ study: `${ROOT}.${number}`, series: `${ROOT}.${number}.1`, instance: `${ROOT}.${number}.1.1`, number: 1, patient }, pixels(64, 0, disk(64, number / 4)));
  await store(OTHERS.map(slice));
});
after(() => Promise.all(OTHERS.map(([, number]) => remove(`${ROOT}.${number}`))));

/** Texts whose colour is nearer to what they stand on than WCAG 2.2 1.4.3 (AA) has it, with their contrast. Words on a picture stand on black. */
const paleTexts = () => page.evaluate(() => {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const painted = (...colours) => {
    context.fillStyle = "#000";
    context.fillRect(0, 0, 1, 1);
    for (const colour of colours) {
      context.fillStyle = colour;
      context.fillRect(0, 0, 1, 1);
    }
    return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((value) => value / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const under = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) layers.unshift(getComputedStyle(one).backgroundColor);
    return layers;
  };
  const pale = [];
  for (const element of document.querySelectorAll("body, body *")) {
    const words = [...element.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE).map(({ data }) => data.trim()).join("");
    if (!words || !element.checkVisibility({ visibilityProperty: true }) || element.closest("script, noscript, :disabled, .unseen, svg")) continue;
    const style = getComputedStyle(element);
    const ground = under(element);
    const [light, dark] = [painted(...ground), painted(...ground, style.color)].map(luminance).sort((one, other) => other - one);
    const size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast < least) pale.push(`${words.slice(0, 40)}: ${contrast.toFixed(2)}`);
  }
  return pale;
});

test("every word stands out from what it stands on, on each page and in each dialog", async () => {
  await openIn(page, CT_SERIES);
  assert.deepEqual(await paleTexts(), [], "a series");
  await page.locator(".stage.active").focus();
  for (const [name, does] of [["the keys", "?"], ["the header", "t"]]) {
    await page.keyboard.press(does);
    await page.getByRole("dialog").waitFor();
    assert.deepEqual(await paleTexts(), [], name);
    await page.keyboard.press("Escape");
  }
  await page.keyboard.press("m");
  await page.keyboard.press("Enter");
  await page.locator("#measure-list button").first().waitFor();
  assert.deepEqual(await paleTexts(), [], "a measurement");
  await page.keyboard.press("x");
  await page.waitForFunction(() => document.querySelectorAll(".stage.plane canvas:not([hidden])").length === 3);
  assert.deepEqual(await paleTexts(), [], "planes");
  await page.getByRole("button", { name: "Table" }).click();
  assert.deepEqual(await paleTexts(), [], "the table of studies");
  await page.goto(`${BASE}/machine`);
  await page.locator(".live.now").waitFor();
  assert.deepEqual(await paleTexts(), [], "the machine");
});

test("so do questions, errors, and what is said where there is nothing", async () => {
  await openIn(page, CT_SERIES);
  await page.getByRole("button", { name: "Delete…" }).click();
  await page.getByRole("dialog").waitFor();
  assert.deepEqual(await paleTexts(), [], "a question");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.locator("#query").fill("nobody is called so");
  await page.locator("#studies .empty").waitFor();
  assert.deepEqual(await paleTexts(), [], "no match");
  const problem = { status: 503, contentType: "application/problem+json", json: { title: "The catalog does not answer", detail: "Try again in a moment." } };
  await page.route("**/api/v1/dicom/**", (route) => route.fulfill(problem));
  await page.locator("#query").fill("");
  await page.locator("#shelf-refused", { hasText: "does not answer" }).waitFor();
  await page.getByRole("button", { name: "Refresh" }).click();
  await page.locator(".stage.active .error", { hasText: "does not answer" }).waitFor();
  assert.deepEqual(await paleTexts(), [], "errors");
});

test("so does the form to sign in, and why it refuses", async () => {
  const problem = { status: 401, contentType: "application/problem+json", json: { title: "Sign in", detail: "The name or the password is not right." } };
  await page.route("**/api/v1/**", (route) => route.fulfill(problem));
  await page.goto(`${BASE}/`);
  await page.locator("#sign-in").waitFor();
  await page.locator("#username").fill("reader");
  await page.locator("#password").fill("wrong");
  await page.locator("#sign-in").getByRole("button").first().click();
  await page.locator("#refused", { hasText: "not right" }).waitFor();
  assert.deepEqual(await paleTexts(), []);
});

test("a colour that is too pale is found", async () => {
  await page.goto(`${BASE}/`);
  await page.locator(".study").first().waitFor();
  await page.evaluate(() => { document.querySelector(".study .held").style.color = "#4a4f55"; });
  assert.match((await paleTexts()).join("\n"), /images?: [12]\.\d\d/);
});

for (const [name, viewport, least] of [
  ["a laptop of 1366 x 768", { width: 1366, height: 768 }, 0.4],
  ["a screen of 1920 x 1080", { width: 1920, height: 1080 }, 0.6],
  ["a screen of 3840 x 2160", { width: 3840, height: 2160 }, 0.78],
]) {
  test(`${name} has room for pictures, and every control is in reach`, async () => {
    await openPage({ viewport });
    await openIn(page, CT_SERIES);
    const inside = await page.evaluate(() => {
      const isIn = ({ left, right, top, bottom, width }) => width > 0 && left >= -0.5 && top >= -0.5 && right <= innerWidth + 0.5 && bottom <= innerHeight + 0.5;
      const controls = [...document.querySelectorAll(".bar :is(button, a), .tools :is(button, select), .walk :is(button, input)")].filter((one) => one.checkVisibility());
      // The row of presets is scrolled.
      return { outside: controls.filter((one) => !isIn(one.getBoundingClientRect())).map(({ textContent }) => textContent), count: controls.length };
    });
    assert.ok(inside.count > 30, `${inside.count} controls`);
    assert.deepEqual(inside.outside, []);
    const sides = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]);
    assert.deepEqual(sides, [viewport.width, viewport.height], "nothing scrolls but lists");
    const { width, height } = await page.locator("#panes").boundingBox();
    const share = (width * height) / (viewport.width * viewport.height);
    assert.ok(share >= least, `pictures have ${(100 * share).toFixed(0)} % of the screen`);
    await page.locator("[data-layout='2x2']").click();
    const stages = await page.locator(".stage:visible").evaluateAll((all) => all.map((one) => [one.clientWidth, one.clientHeight]));
    assert.equal(stages.length, 4);
    for (const [wide, high] of stages) assert.ok(wide > 250 && high > 180, `${wide} x ${high}`);
  });
}

/** Share of squares in which two pictures differ; 1 where they have other sides. */
const differing = (one, other) => page.evaluate(async ({ sources, square, levels }) => {
  const means = async (source) => {
    const bitmap = await createImageBitmap(await (await fetch(source)).blob());
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    const { data, width, height } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const wide = Math.ceil(width / square);
    const [sums, counts] = [new Float64Array(wide * Math.ceil(height / square)), new Float64Array(wide * Math.ceil(height / square))];
    for (let at = 0; at < width * height; at += 1) {
      const cell = Math.floor(Math.floor(at / width) / square) * wide + Math.floor((at % width) / square);
      sums[cell] += data[4 * at] + data[4 * at + 1] + data[4 * at + 2];
      counts[cell] += 3;
    }
    return { width, height, means: sums.map((sum, cell) => sum / counts[cell]) };
  };
  const [first, second] = await Promise.all(sources.map(means));
  if (first.width !== second.width || first.height !== second.height) return 1;
  return first.means.filter((mean, cell) => Math.abs(mean - second.means[cell]) > levels).length / first.means.length;
}, { sources: [one, other].map((bytes) => `data:image/jpeg;base64,${bytes.toString("base64")}`), square: SQUARE, levels: LEVELS });

const seen = () => page.screenshot({ type: "jpeg", quality: 88, animations: "disabled", caret: "hide" });

/** The page as it is looks like the picture of this name. */
async function looksLike(name) {
  const [now, kept] = [await seen(), new URL(`${name}.jpg`, PICTURES)];
  if (process.env.NOCTIS_TEST_PICTURES === "write") return fs.writeFileSync(kept, now);
  // The page itself may not fetch what is in an address.
  const shown = page.url();
  await page.goto("about:blank");
  const share = await differing(now, fs.readFileSync(kept));
  assert.ok(share <= SHARE, `${(100 * share).toFixed(1)} % of ${name}.jpg look otherwise`);
  await page.goto(shown);
}

const stage = (nth) => page.locator(".stage").nth(nth - 1);
const settled = async () => {
  await page.locator("#fact-held", { hasText: /^(\d+) \/ \1$/ }).waitFor();
  await page.mouse.move(1, 1);
  await page.evaluate(() => document.activeElement?.blur());
  await page.waitForTimeout(300);
};

test("the table of studies looks as in the documentation", async () => {
  await openPage({ viewport: SCREEN });
  await page.goto(`${BASE}/`);
  await page.locator(".room.table").waitFor();
  await page.waitForFunction(() => [...document.querySelectorAll("img.portrait")].every((image) => image.naturalWidth > 0));
  await page.locator(".study", { hasText: DEMO_PATIENT }).click();
  await page.waitForFunction(() => [...document.querySelectorAll(".thumb")].filter((image) => image.checkVisibility()).every((image) => image.naturalWidth > 0));
  await page.mouse.move(1, 1);
  await page.waitForTimeout(300);
  await looksLike("studies");
});

test("a series with measurements looks as in the documentation, and what is drawn otherwise is noticed", async () => {
  await openPage({ viewport: SCREEN });
  await openIn(page, CT_SERIES);
  await drawnHere(page);
  await page.locator("#slider").fill("40");
  const { x, y, width, height } = await stage(1).boundingBox();
  const drag = async (tool, from, to) => {
    await page.getByRole("button", { name: tool, exact: true }).click();
    const at = ([across, down]) => [x + width / 2 + across, y + height / 2 + down];
    await page.mouse.move(...at(from));
    await page.mouse.down();
    await page.mouse.move(...at(to), { steps: 5 });
    await page.mouse.up();
  };
  await drag("Length", [-150, 60], [150, 60]);
  await drag("Ellipse", [-40, -90], [40, -30]);
  await settled();
  await looksLike("viewer");
  await openIn(page, CT_SERIES);
  await drawnHere(page);
  await page.locator("#slider").fill("12");
  await settled();
  const other = await seen();
  await page.goto("about:blank");
  if (process.env.NOCTIS_TEST_PICTURES === "write") return;
  const share = await differing(other, fs.readFileSync(new URL("viewer.jpg", PICTURES)));
  assert.ok(share > SHARE, `another slice differs in ${(100 * share).toFixed(1)} %`);
});

test("four panes look as in the documentation", async () => {
  await openPage({ viewport: SCREEN });
  await openIn(page, CT_SERIES);
  await page.locator("[data-layout='2x2']").click();
  for (const [nth, name] of [[2, "Head T1 axial"], [3, "Chest PA"], [4, "Heart, four chambers"]]) {
    await stage(nth).click();
    await page.locator(".series", { hasText: name }).click();
    await drawn(page);
  }
  await stage(1).click();
  await settled();
  await looksLike("panes");
});

test("planes look as in the documentation", async () => {
  await openPage({ viewport: SCREEN });
  await openIn(page, CT_SERIES);
  await page.locator(".stage.active").focus();
  await page.keyboard.press("x");
  await page.waitForFunction(() => document.querySelectorAll(".stage.plane canvas:not([hidden])").length === 3);
  await settled();
  await page.waitForTimeout(1500);
  await looksLike("planes");
});

test("a phone looks as in the documentation", async () => {
  await openPage({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await page.goto(`${BASE}/`);
  const study = page.locator(".study", { hasText: DEMO_PATIENT });
  await study.waitFor();
  await study.tap();
  await page.locator(".series", { hasText: CT_SERIES }).tap();
  await drawnHere(page);
  await page.waitForFunction(() => /^(\d+) \/ \1$/.test(document.getElementById("fact-held").textContent));
  await page.waitForTimeout(300);
  await looksLike("phone");
});

test("the state of the machine looks as in the documentation", async () => {
  await openPage({ viewport: SCREEN });
  await page.goto(`${BASE}/machine`);
  await page.locator(".live.now").waitFor();
  await page.waitForTimeout(300);
  await looksLike("machine");
});
