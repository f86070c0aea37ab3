// Measuring: what is told is what the server knows of the same pixels, and it stays with this browser.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { ROOT, element, file, pixels } from "../dicom.mjs";
import { key, nextFrame, page, usePages } from "./pages.mjs";
import { BASE, CT_SERIES, drawnHere, openIn, remove, shownIn, store } from "./viewer.mjs";

usePages();

const MILLIMETRES = 0.742188;

/** The CT at one to one: a pixel of the frame is one of the stage. */
async function open(query = "") {
  await openIn(page, CT_SERIES, query);
  if (!query) await drawnHere(page);
  await page.locator(".stage.active").focus();
  await key("o");
}

/** Drags between two points, counted from the middle of the stage. */
async function drag([fromX, fromY], [toX, toY]) {
  const { x, y, width, height } = await page.locator(".stage.active").boundingBox();
  const [left, top] = [Math.round(x + width / 2), Math.round(y + height / 2)];
  await page.mouse.move(left + fromX, top + fromY);
  await page.mouse.down();
  await page.mouse.move(left + toX, top + toY, { steps: 5 });
  await page.mouse.up();
  await nextFrame();
}

const notes = () => page.locator(".stage.active .note text").allTextContents();
const numbers = (text) => [...text.replaceAll("−", "-").matchAll(/-?\d+(?:\.\d+)?/g)].map(([number]) => Number(number));
const list = () => page.locator("#measure-list li").allTextContents();
const near = (one, other, apart) => assert.ok(Math.abs(one - other) <= apart, `${one}, not ${other}`);

/** What the server says of a pixel of the slice that is shown. */
async function explained(x, y) {
  const [uid] = (await shownIn(page, () => true)).split("/");
  const answer = await fetch(`${BASE}/api/v1/dicom/images/${uid}/explain?x=${x}&y=${y}`);
  assert.equal(answer.status, 200);
  return answer.json();
}

test("a length is as long as Pixel Spacing says, and follows its ends", async () => {
  await open();
  await key("m");
  await drag([-50, 0], [50, 0]);
  near(numbers((await notes())[0])[0], 100 * MILLIMETRES, 0.06);
  // Its right end is taken hold of again, with another tool.
  await key("w");
  await drag([50, 0], [50, 75]);
  near(numbers((await notes())[0])[0], Math.hypot(100, 75) * MILLIMETRES, 0.06);
  assert.match(await shownIn(page, () => true), /\/default$/, "the window stays");
  // It lies on the picture, however that lies.
  await key("r", "+", "h");
  near(numbers((await notes())[0])[0], Math.hypot(100, 75) * MILLIMETRES, 0.06);
});

test("an angle is drawn by two drags", async () => {
  await open();
  await key("a");
  await drag([-100, 0], [0, 0]);
  await drag([5, 30], [0, 100]);
  near(numbers((await notes())[0])[0], 90, 0.5);
  await drag([0, 100], [100, 100]);
  near(numbers((await notes())[0])[0], 135, 0.5);
  assert.equal((await notes()).length, 1);
});

test("a rectangle and an ellipse tell the values that the server finds in them", async () => {
  await open();
  await page.keyboard.press("q");
  // 6 x 4 pixels: the middle of the picture is that of the stage, within half a pixel.
  await drag([-120, 60], [-114, 64]);
  const { left, top, text } = await page.evaluate(() => {
    const [note] = Object.values(JSON.parse(Object.values(localStorage)[0]));
    const [one, other] = note.points;
    return { left: Math.min(one.x, other.x), top: Math.min(one.y, other.y), text: document.querySelector(".stage.active .note text").textContent };
  });
  const inside = (from, length) => Array.from({ length: 12 }, (_, nth) => Math.floor(from) + nth - 2).filter((at) => at + 0.5 >= from && at + 0.5 <= from + length);
  const values = [];
  for (const y of inside(top, 4)) for (const x of inside(left, 6)) values.push((await explained(x, y)).modality_value);
  assert.ok(values.length >= 15 && values.length <= 35, `${values.length} pixels`);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  assert.match(text, /mm².*HU/);
  const told = await page.locator(".stage.active .note tspan").allTextContents();
  const [area, meanTold, deviationTold, least, most] = told.map((line) => numbers(line.replace("mm²", ""))[0]);
  near(area, 24 * MILLIMETRES ** 2, 0.06);
  near(meanTold, mean, 0.6);
  near(deviationTold, deviation, 0.06);
  assert.deepEqual([least, most], [Math.min(...values), Math.max(...values)]);
  await key("e");
  await drag([-40, -40], [20, 0]);
  const ellipse = (await page.locator(".stage.active .note").last().locator("tspan").allTextContents()).map((line) => numbers(line.replace("mm²", ""))[0]);
  near(ellipse[0], (Math.PI / 4) * 60 * 40 * MILLIMETRES ** 2, 1.5);
});

test("the value under the pointer, and of a probe, is that of the server", async () => {
  await open();
  await key("b");
  await drag([30, 40], [30, 40]);
  const pointer = await page.locator("#fact-pointer").textContent();
  const [x, y, value] = numbers(pointer);
  assert.match(pointer, /HU$/);
  const told = await explained(x, y);
  assert.equal(value, told.modality_value);
  assert.equal(numbers((await notes())[0])[0], told.modality_value);
});

test("where the server draws, it is asked for the value of a probe", async () => {
  await open("?webgl=off");
  await key("b");
  await drag([30, 40], [30, 40]);
  await page.waitForFunction(() => document.querySelector(".stage.active .note text").textContent.includes("HU"));
  const { x, y } = await page.evaluate(() => Object.values(JSON.parse(Object.values(localStorage)[0]))[0].points[0]);
  assert.equal(numbers((await notes())[0])[0], (await explained(Math.floor(x), Math.floor(y))).modality_value);
});

test("measurements stay with their slice and with this browser, are gone to, deleted and taken along", async () => {
  await open();
  await key("m");
  await drag([-50, 0], [50, 0]);
  await key("ArrowDown");
  assert.deepEqual(await notes(), []);
  assert.match((await list())[0], /^Length · Slice 36/);
  await page.reload();
  await drawnHere(page);
  await page.locator("#measure-list button").first().click();
  await shownIn(page, () => true);
  near(numbers((await notes())[0])[0], 100 * MILLIMETRES, 0.06);

  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Export" }).click()]);
  const told = JSON.parse(fs.readFileSync(await download.path(), "utf8"));
  const [uid] = (await shownIn(page, () => true)).split("/");
  assert.equal(told.measurements.length, 1);
  const [measurement] = told.measurements;
  assert.deepEqual([measurement.sop_instance_uid, measurement.frame, measurement.graphic_type, measurement.calibration], [uid, 1, "POLYLINE", "Pixel Spacing"]);
  assert.equal(measurement.graphic_data.length, 4);
  near(measurement.graphic_data[2] - measurement.graphic_data[0], 100, 0.01);
  assert.deepEqual(measurement.values[0].unit, { value: "mm", scheme: "UCUM" });
  near(measurement.values[0].value, 100 * MILLIMETRES, 0.01);

  await page.getByRole("button", { name: /^Delete Length/ }).click();
  assert.deepEqual([await notes(), await page.locator("#measures").isHidden()], [[], true]);
  await page.reload();
  await drawnHere(page);
  assert.ok(await page.locator("#measures").isHidden());
});

test("padding has no value, and takes no part in those of a region", async () => {
  const [study, side] = [`${ROOT}.50`, 32];
  const values = Int16Array.from({ length: side * side }, (_, at) => (at % side < side / 2 ? -2000 : 100 + Math.floor(at / side)));
  const uids = { study, series: `${study}.1`, instance: `${study}.1.1`, patient: "Padded^Half" };
  await store([file(uids, [...pixels(side, 0, values), element(0x28, 0x120, "SS", -2000)])]);
  try {
    await page.goto(`${BASE}/#study=${study}`);
    await page.locator(".series").filter({ hasText: "1 image" }).first().click();
    await drawnHere(page);
    await page.locator(".stage.active").focus();
    await key("q", "Enter");
    // 40 x 20 pixels around the middle are more than there are: both halves.
    const told = (await page.locator(".stage.active .note tspan").allTextContents()).slice(1).map((line) => numbers(line)[0]);
    const inside = values.filter((value, at) => value > -2000 && Math.floor(at / side) >= 6 && Math.floor(at / side) < 26);
    near(told[0], inside.reduce((sum, value) => sum + value, 0) / inside.length, 0.06);
    assert.deepEqual(told.slice(2), [Math.min(...inside), Math.max(...inside)]);
    const { x, y, width, height } = await page.locator(".stage.active").boundingBox();
    await page.mouse.move(x + width / 2 - 40, y + height / 2);
    assert.equal(await page.locator("#fact-pointer").textContent(), "–");
    await page.mouse.move(x + width / 2 + 40, y + height / 2);
    assert.match(await page.locator("#fact-pointer").textContent(), /: 11\d/);
  } finally {
    await remove(study);
  }
});

test("measuring works without a mouse", async () => {
  await open();
  await key("m", "Enter");
  const [before] = numbers((await notes())[0]);
  near(before, Math.hypot(40, 20) * MILLIMETRES, 0.06);
  // A screen reader has been told of the slice by then.
  await page.waitForFunction(() => document.getElementById("status").textContent.startsWith("Slice"));
  await key("Shift+ArrowRight");
  near(numbers((await notes())[0])[0], Math.hypot(60, 20) * MILLIMETRES, 0.06);
  assert.match(await page.locator("#status").textContent(), /mm/);
  await key("Delete");
  assert.deepEqual(await notes(), []);
  // A click draws nothing.
  await drag([0, 0], [1, 1]);
  assert.deepEqual(await list(), []);
});

test("a radiograph says that its lengths are at the detector, and what has no spacing is measured in pixels", async () => {
  await openIn(page, "Chest PA");
  await drawnHere(page);
  await page.locator(".stage.active").focus();
  await key("m", "Enter");
  assert.match((await notes())[0], / mm$/);
  await openIn(page, "Heart, four chambers");
  await page.locator(".stage.active").focus();
  await key("m", "Enter");
  near(numbers((await notes())[0])[0], Math.hypot(40, 20), 0.06);
  assert.match((await notes())[0], / px$/);
});
