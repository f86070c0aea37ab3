// The plain page in a real browser, against a server that shows the demonstration study.
//
//   noctis serve --demo --listen 127.0.0.1:8080 &
//   NOCTIS_URL=http://127.0.0.1:8080 npm test
//
// NOCTIS_CHROMIUM names the browser (default /usr/bin/chromium).
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { DEADLINE_MS } from "./browser.mjs";
import { page, usePages } from "./pages.mjs";
import { BASE, CT_SERIES, DEMO_PATIENT, openIn, pixelsOf, shownIn } from "./viewer.mjs";

usePages();

/** What the page complained about; the tests expect none, except where a case asks for a missing study. */
let complaints;

beforeEach(async () => {
  complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("request", (request) => {
    if (!request.url().startsWith(BASE) && !/^(blob|data):/.test(request.url())) complaints.push(`asked ${request.url()}`);
  });
});

/** What the server draws: the other half of the viewer, which draws by itself, has tests of its own. */
const openSeries = (name) => openIn(page, name, "?webgl=off");
const shown = (holds) => shownIn(page, holds);
const pixels = () => pixelsOf(page);

const press = async (name) => {
  await page.getByRole("button", { name, exact: true }).click();
  return shown((now) => now.endsWith(`/${name}`));
};
const place = () => page.locator("#place").textContent();

test("the demonstration study is listed with its modalities", async () => {
  await page.goto(`${BASE}/`);
  const study = page.locator(".study", { hasText: DEMO_PATIENT });
  await study.waitFor();
  // The server answers before it has indexed everything.
  for (const until = Date.now() + DEADLINE_MS; Date.now() < until && !(await study.textContent()).includes("98 images");) {
    await page.waitForTimeout(250);
    await page.getByRole("button", { name: "Refresh" }).click();
  }
  const text = await study.textContent();
  for (const expected of ["synthetic", "Jan 15, 2026", "4 series", "98 images", "CT", "MR", "CR", "US"]) {
    assert.ok(text.includes(expected), `${expected} is not in "${text}"`);
  }
  assert.deepEqual(complaints, []);
});

test("every series has a thumbnail that is a picture", async () => {
  await openSeries(CT_SERIES);
  await page.waitForFunction(() => {
    const thumbs = [...document.querySelectorAll(".series img")];
    return thumbs.length === 4 && thumbs.every((thumb) => thumb.naturalWidth > 16 && thumb.naturalWidth <= 128);
  });
});

test("a CT slice is drawn, with its window, size and where it came from", async () => {
  await openSeries(CT_SERIES);
  const { width, height, levels } = await pixels();
  assert.deepEqual([width, height], [512, 512]);
  assert.ok(levels > 100, `${levels} grey levels`);
  assert.equal(await page.locator("#fact-window").textContent(), "400");
  assert.equal(await page.locator("#fact-level").textContent(), "40");
  assert.equal(await page.locator("#fact-size").textContent(), "512 × 512");
  assert.match(await page.locator("#fact-source").textContent(), /rendered|cached|held by this page/);
  assert.match(await page.locator("#place").textContent(), /^\d+ \/ 72$/);
  assert.deepEqual(complaints, []);
});

test("lung and bone presets show different pictures and say so", async () => {
  await openSeries(CT_SERIES);
  await press("lung");
  assert.equal(await page.locator("#fact-window").textContent(), "1500");
  assert.equal(await page.locator("#fact-level").textContent(), "−600");
  assert.equal(await page.getByRole("button", { name: "lung", exact: true }).getAttribute("aria-pressed"), "true");
  const lung = await pixels();
  await press("bone");
  const bone = await pixels();
  assert.ok(lung.mean > bone.mean + 20, `mean grey ${lung.mean} and ${bone.mean}`);
});

test("the slider and the wheel change the slice", async () => {
  await openSeries(CT_SERIES);
  const middle = await shown(() => true);
  const before = await pixels();
  await page.locator("#slider").fill("10");
  const tenth = await shown((now) => now !== middle);
  assert.equal(await place(), "10 / 72");
  assert.notEqual((await pixels()).checksum, before.checksum);
  await page.locator(".stage.active").hover();
  await page.mouse.wheel(0, 120);
  await shown((now) => now !== tenth);
  assert.equal(await place(), "11 / 72");
});

test("the keyboard walks the slices and chooses presets", async () => {
  await openSeries(CT_SERIES);
  await page.locator(".stage.active").focus();
  await page.keyboard.press("Home");
  assert.equal(await place(), "1 / 72");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("PageDown");
  assert.equal(await place(), "12 / 72");
  await page.keyboard.press("End");
  assert.equal(await place(), "72 / 72");
  await page.keyboard.press("ArrowDown");
  assert.equal(await place(), "72 / 72", "there is nothing after the last slice");
  await page.keyboard.press("1");
  await shown((now) => now.endsWith("/lung"));
  await page.keyboard.press("0");
  await shown((now) => now.endsWith("/default"));
});

test("fast scrolling ends on the slice asked for last", async () => {
  await openSeries(CT_SERIES);
  await page.locator(".stage.active").focus();
  await page.keyboard.press("Home");
  const first = await shown(() => true);
  for (let step = 0; step < 40; step += 1) await page.keyboard.press("ArrowDown");
  assert.equal(await place(), "41 / 72");
  await page.waitForFunction(() => document.querySelector(".stage.active [data-part=slice]").textContent === "Slice 41 / 72");
  assert.notEqual(await shown(() => true), first);
  assert.ok(await page.locator(".stage.active .error").isHidden());
});

test("dragging on the picture changes window and level", async () => {
  await openSeries(CT_SERIES);
  const before = await pixels();
  const box = await page.locator(".stage.active").boundingBox();
  await page.mouse.move(box.x + 200, box.y + 200);
  await page.mouse.down();
  await page.mouse.move(box.x + 350, box.y + 300, { steps: 5 });
  await page.mouse.up();
  // 150 of 300 pixels to the right make the window half as wide again; 100 of 400 down raise the level by a quarter.
  await shown((now) => now.endsWith("/600,140"));
  assert.equal(await page.locator(".stage.active [data-part=window]").textContent(), "W 600  L 140");
  assert.notEqual((await pixels()).checksum, before.checksum);
});

test("the frames of an ultrasound cine are walked and played, in colour and without presets", async () => {
  await openSeries("Heart, four chambers");
  assert.equal(await place(), "1 / 20");
  const first = await pixels();
  await page.locator(".stage.active").focus();
  await page.keyboard.press("ArrowDown");
  await shown((now) => now.includes("/2/"));
  assert.notEqual((await pixels()).checksum, first.checksum);
  assert.equal(await page.locator("#presets button").count(), 1);
  await page.getByRole("button", { name: "Play" }).click();
  await page.waitForFunction(() => parseInt(document.getElementById("place").textContent, 10) > 8);
  await page.getByRole("button", { name: "Pause" }).click();
  assert.deepEqual(complaints, []);
});

test("a large radiograph is shown whole", async () => {
  await openSeries("Chest PA");
  const { width, height, levels } = await pixels();
  assert.ok(height > 600 && levels > 100, `${width} x ${height}, ${levels} grey levels`);
  assert.ok(Math.abs(height / width - 2500 / 2000) < 0.01, "the aspect is kept");
  assert.equal(await page.locator("#fact-size").textContent(), "2000 × 2500");
});

test("a search that matches nothing says so, and one that matches brings the study back", async () => {
  await page.goto(`${BASE}/`);
  await page.locator(".study", { hasText: DEMO_PATIENT }).waitFor();
  await page.getByRole("searchbox").fill("nobody of this name");
  await page.getByText("No study matches.").waitFor();
  await page.getByRole("searchbox").fill("noctis");
  await page.locator(".study", { hasText: DEMO_PATIENT }).waitFor();
});

test("the address leads back to the series that is open", async () => {
  await openSeries("Head T1 axial");
  await page.reload();
  await shown(() => true);
  assert.match(await page.locator(".stage.active [data-part=series]").textContent(), /Head T1 axial/);
});

test("an unknown study in the address is told in words", async () => {
  await page.goto(`${BASE}/#study=1.2.3.4.5`);
  const error = page.getByRole("alert");
  await error.waitFor();
  assert.match(await error.textContent(), /study/i);
});

test("the page works without a mouse: each control is reached by Tab and has a name", async () => {
  await openSeries(CT_SERIES);
  const unnamed = await page.evaluate(() => [...document.querySelectorAll("button, input, a, [tabindex='0']")]
    .filter((element) => element.checkVisibility())
    .filter((element) => !(element.textContent.trim() || element.ariaLabel || element.labels?.length))
    .map((element) => element.outerHTML));
  assert.deepEqual(unnamed, []);
  await page.locator("#presets button").last().focus();
  await page.keyboard.press("Tab");
  assert.ok(await page.evaluate(() => document.activeElement.matches(".stage.active")));
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "play");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "slider");
});
