// A phone: 390 x 844, fingers, one thing at a time.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { nextFrame, page, usePages } from "./pages.mjs";
import { BASE, CT_SERIES, DEMO_PATIENT, drawn, drawnHere, shownIn } from "./viewer.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
usePages(PHONE);

let touches;

beforeEach(async () => {
  touches = await page.context().newCDPSession(page);
});

const stage = () => page.locator(".stage.active");
const place = () => page.locator("#place").textContent();
const isInside = async (locator) => {
  const box = await locator.boundingBox();
  return box !== null && box.x >= 0 && box.x + box.width <= 390.5;
};

async function open(name) {
  await page.goto(`${BASE}/`);
  const study = page.locator(".study", { hasText: DEMO_PATIENT });
  await study.waitFor();
  if ((await study.getAttribute("aria-expanded")) === "false") await study.tap();
  await page.locator(".series", { hasText: name }).tap();
  await drawn(page);
}

/** Fingers that move together, from points to points, counted from the middle of the picture. */
async function move(from, to, steps = 6) {
  const { x, y, width, height } = await stage().boundingBox();
  const at = (points) => points.map(([dx, dy], id) => ({ x: x + width / 2 + dx, y: y + height / 2 + dy, id }));
  const between = (share) => from.map(([fx, fy], nth) => [fx + (to[nth][0] - fx) * share, fy + (to[nth][1] - fy) * share]);
  await touches.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: at(from) });
  for (let nth = 1; nth <= steps; nth += 1) await touches.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: at(between(nth / steps)) });
  await touches.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  await nextFrame();
}

test("studies are listed, a series is opened, and every other one is reached again", async () => {
  await open(CT_SERIES);
  assert.ok(await page.locator("#shelf").isHidden());
  const { width, height } = await stage().boundingBox();
  assert.ok(width > 340 && height > 340, `the picture has ${width} x ${height}`);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, "nothing hangs over the edge");
  for (const name of ["Head T1 axial", "Chest PA", "Heart, four chambers"]) {
    await page.getByRole("button", { name: "Studies", exact: true }).tap();
    const series = page.locator(".series", { hasText: name });
    await series.scrollIntoViewIfNeeded();
    assert.ok(await isInside(series));
    await series.tap();
    await page.waitForFunction((text) => document.querySelector(".stage.active [data-part=series]").textContent.includes(text), name);
    await drawn(page);
  }
});

test("a finger walks the slices, and the slider does", async () => {
  await open(CT_SERIES);
  assert.equal(await place(), "36 / 72");
  await move([[0, -60]], [[0, 60]]);
  const there = parseInt(await place(), 10);
  assert.ok(there > 40, `slice ${there}`);
  await move([[0, 60]], [[0, -60]]);
  assert.ok(parseInt(await place(), 10) < there);
  await page.locator("#slider").fill("3");
  assert.equal(await place(), "3 / 72");
});

test("a window is set by a preset, and by a finger with its tool", async () => {
  await open(CT_SERIES);
  await drawnHere(page);
  const lung = page.getByRole("button", { name: "lung", exact: true });
  await lung.scrollIntoViewIfNeeded();
  await lung.tap();
  await shownIn(page, (now) => now.endsWith("/lung"));
  await page.locator("[data-preset=default]").tap();
  await page.locator("[data-tool=window]").tap();
  await move([[-50, 0]], [[100, 0]]);
  const [window] = (await shownIn(page, (now) => now.includes(","))).split("/")[2].split(",").map(Number);
  assert.ok(window > 500, `a window of ${window}`);
});

test("two fingers zoom around their middle, and move", async () => {
  await open(CT_SERIES);
  await drawnHere(page);
  const bar = async () => {
    const [, number, unit] = /^(\d+) (cm|mm)/.exec(await page.locator(".stage.active [data-part=length]").textContent());
    return (await page.locator(".stage.active [data-part=bar]").boundingBox()).width / (Number(number) * (unit === "cm" ? 10 : 1));
  };
  const before = await bar();
  await move([[-40, 0], [40, 0]], [[-80, 0], [80, 0]]);
  const after = await bar();
  assert.ok(Math.abs(after / before - 2) < 0.1, `${after / before} times as large`);
  assert.equal(await place(), "36 / 72", "no slice was walked");
  await move([[-80, 0], [80, 0]], [[-40, 0], [40, 0]]);
  assert.ok(Math.abs((await bar()) / before - 1) < 0.1);
});

test("every control is on the screen, or is scrolled to", async () => {
  await open(CT_SERIES);
  for (const button of await page.locator("#tools button, #presets button, #play").all()) {
    await button.scrollIntoViewIfNeeded();
    assert.ok(await isInside(button), await button.textContent());
    const { height } = await button.boundingBox();
    assert.ok(height >= 39, `${await button.textContent()} is ${height} high`);
  }
});
