// Several panes: layouts, what is tied between them, and the address that leads back to all of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { key, page, usePages } from "./pages.mjs";
import { BASE, CT_SERIES, drawnHere, openIn, pixelsOf, shownIn } from "./viewer.mjs";

usePages();

const MR_SERIES = "Head T1 axial";

const stage = (nth) => page.locator(".stage").nth(nth);
const lay = (title) => page.locator(`[data-layout="${title}"]`).and(page.locator("button")).click();
const sliceIn = (nth) => stage(nth).locator("[data-part=slice]").textContent();
const seriesIn = (nth) => stage(nth).locator("[data-part=series]").textContent();
const drawnIn = (nth) => page.waitForFunction((at) => document.querySelectorAll(".stage")[at].querySelector("[data-shown]:not([hidden])"), nth);

async function choose(nth, name) {
  await stage(nth).focus();
  await page.locator(".series", { hasText: name }).click();
  await page.waitForFunction(([at, text]) => document.querySelectorAll(".stage")[at].querySelector("[data-part=series]").textContent.includes(text), [nth, name]);
  await drawnIn(nth);
}

test("panes lie as the layout says, and a series opens in the one that is active", async () => {
  await openIn(page, CT_SERIES);
  await lay("2x2");
  assert.equal(await page.locator(".stage:visible").count(), 4);
  await choose(2, MR_SERIES);
  assert.match(await seriesIn(0), new RegExp(CT_SERIES));
  assert.match(await seriesIn(2), new RegExp(MR_SERIES));
  // The controls are of the active one.
  assert.match(await page.locator("#place").textContent(), /\/ 24$/);
  assert.equal(await page.locator("#fact-size").textContent(), "320 × 320");
  await stage(0).focus();
  assert.match(await page.locator("#place").textContent(), /\/ 72$/);
  assert.equal(await page.locator("#fact-size").textContent(), "512 × 512");
  assert.equal(await page.locator(".series[aria-current]").count(), 1);
  await lay("1x1");
  assert.equal(await page.locator(".stage:visible").count(), 1);
  await lay("2x2");
  assert.match(await seriesIn(2), new RegExp(MR_SERIES), "a pane that was hidden is as it was");
  for (const [layout, count] of [["1x2", 2], ["2x1", 2]]) {
    await lay(layout);
    assert.equal(await page.locator(".stage:visible").count(), count);
  }
  const [one, other] = [await stage(0).boundingBox(), await stage(1).boundingBox()];
  assert.ok(other.y > one.y && other.x === one.x);
});

test("an empty pane says what to do, and its controls are still", async () => {
  await openIn(page, CT_SERIES);
  await lay("1x2");
  await stage(1).focus();
  assert.ok(await stage(1).getByText("Choose a series").isVisible());
  await key("End", "i", "r", "1", " ", "+");
  await stage(0).focus();
  await drawnIn(0);
  assert.equal(await page.locator("#place").textContent(), "36 / 72");
});

test("a series that is dropped on a pane is shown there", async () => {
  await openIn(page, CT_SERIES);
  await lay("1x2");
  await page.locator(".series", { hasText: MR_SERIES }).dragTo(stage(1));
  await drawnIn(1);
  assert.match(await seriesIn(1), new RegExp(MR_SERIES));
  assert.match(await seriesIn(0), new RegExp(CT_SERIES));
  assert.ok(await stage(1).evaluate((element) => element.classList.contains("active")));
});

test("the address leads back to layout, series, slices, windows, and how each picture lies", async () => {
  await openIn(page, CT_SERIES);
  await drawnHere(page);
  await stage(0).focus();
  await key("Home", "ArrowDown", "ArrowDown", "1", "r", "h", "+");
  await lay("1x2");
  await choose(1, MR_SERIES);
  await drawnHere(page);
  await key("End", "i", "Shift+ArrowRight");
  const shown = await shownIn(page, () => true);
  const here = await pixelsOf(page);
  await page.waitForFunction(() => /view=\d+%2C-?\d+%2Clinear%2Cinverted/.test(location.hash));
  await page.reload();
  await drawnIn(0);
  await drawnIn(1);
  await drawnHere(page);
  assert.equal(await shownIn(page, (now) => now === shown), shown);
  assert.deepEqual(await pixelsOf(page), here);
  assert.equal(await sliceIn(1), "Slice 24 / 24");
  assert.equal(await sliceIn(0), "Slice 3 / 72");
  await stage(0).focus();
  assert.match(await shownIn(page, (now) => now.endsWith("/lung")), /lung$/);
  const text = async (side) => stage(0).locator(`[data-part=${side}]`).textContent();
  assert.deepEqual([await text("left"), await text("top")], ["A", "R"], "turned, then mirrored");
});

test("an address that is damaged opens what of it makes sense", async () => {
  await openIn(page, CT_SERIES);
  await drawnHere(page);
  const hash = new URLSearchParams(new URL(page.url()).hash.slice(1));
  for (const [active, view] of [["77", "0,a,b"], ["-3", "nothing"], ["0.5", "400,40,cubic"]]) {
    const address = `layout=9x9&active=${active}&study=${hash.get("study")}&series=${hash.get("series")}&at=1000000&view=${view}&lies=1,1,1,1,1,1,1`;
    await page.goto("about:blank");
    await page.goto(`${BASE}/#${address}`);
    await shownIn(page, (now) => now.endsWith("/default"));
    assert.equal(await page.locator("#place").textContent(), "72 / 72");
  }
});

test("where a server shows presets alone, an address asks for no other window, but for those of the file", async () => {
  await page.route("**/dicom/presets", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), free_windows: false } });
  });
  await openIn(page, CT_SERIES);
  const hash = new URL(page.url()).hash;
  for (const [view, shown] of [["123,45,linear", "default"], ["lung", "lung"], ["1500,-600,linear", "1500,-600"]]) {
    await page.goto("about:blank");
    await page.goto(`${BASE}/${hash.replace(/view=[^&]*/, `view=${view}`)}`);
    await shownIn(page, (now) => now.endsWith(`/${shown}`));
  }
});

test("a pane that is not seen holds no samples but those of its slice, and has them again when it is", async () => {
  const asked = [];
  page.on("request", (request) => request.url().includes("/frames?") && asked.push(request.url()));
  const held = (text) => page.waitForFunction((all) => document.getElementById("fact-held").textContent === all, text);
  await openIn(page, CT_SERIES);
  await lay("1x2");
  await choose(1, MR_SERIES);
  await held("24 / 24");
  const before = asked.length;
  await lay("1x1");
  await held("72 / 72");
  await lay("1x2");
  await stage(1).focus();
  await held("24 / 24");
  const again = asked.slice(before).filter((address) => address.includes(`/${new URLSearchParams(new URL(page.url()).hash.slice(1)).getAll("series")[1]}/`));
  assert.ok(again.length >= 1, `${asked.slice(before)}`);
});

test("panes that are tied show the same place of the patient", async () => {
  await openIn(page, CT_SERIES);
  await lay("1x2");
  await choose(1, CT_SERIES);
  await stage(0).focus();
  await key("Home");
  assert.equal(await sliceIn(1), "Slice 36 / 72");
  await key("l", "ArrowDown", "ArrowDown");
  await page.waitForFunction(() => document.querySelectorAll(".stage")[1].querySelector("[data-part=slice]").textContent === "Slice 3 / 72");
  assert.equal(await page.locator("#link").getAttribute("aria-pressed"), "true");
  await key("l", "End");
  await page.waitForFunction(() => document.querySelectorAll(".stage")[0].querySelector("[data-part=slice]").textContent === "Slice 72 / 72");
  assert.equal(await sliceIn(1), "Slice 3 / 72");
});

/** The images of the MR as if they lay otherwise: `change` gets each, and its place in the series. */
async function layOtherwise(change) {
  await page.route(/\/series\/[^/]+\/images/, async (route) => {
    const answer = await route.fetch();
    const body = await answer.json();
    if (body.images.length === 24) body.images.forEach(change);
    await route.fulfill({ response: answer, json: body });
  });
}

test("panes of two studies that are tied go as far as each other, from where they were", async () => {
  await layOtherwise((image) => {
    image.frame_of_reference_uid = "1.2.3";
    image.image_position[2] += 1000;
  });
  // Without samples nothing but the list of images says where slices lie.
  await openIn(page, CT_SERIES, "?webgl=off");
  await lay("1x2");
  await choose(1, MR_SERIES);
  await key("Home");
  await stage(0).focus();
  await key("Home", "l");
  for (let nth = 0; nth < 5; nth += 1) await key("ArrowDown");
  // Five of 4 mm are four of 5 mm.
  await page.waitForFunction(() => document.querySelectorAll(".stage")[1].querySelector("[data-part=slice]").textContent === "Slice 5 / 24");
});

test("the slice of the active pane is a line in a picture that it cuts, and only in its own space", async () => {
  let space = null;
  await page.route(/\/series\/[^/]+\/images/, async (route) => {
    const answer = await route.fetch();
    const body = await answer.json();
    if (body.images.length === 72) space = body.images[0].frame_of_reference_uid;
    // A sagittal slice through the same patient, with its head up.
    if (body.images.length === 24) {
      body.images.forEach((image, nth) => Object.assign(image, {
        frame_of_reference_uid: space, image_orientation: [0, 1, 0, 0, 0, -1], pixel_spacing: [2, 2], image_position: [nth - 12, -256, 256],
      }));
    }
    await route.fulfill({ response: answer, json: body });
  });
  await openIn(page, CT_SERIES, "?webgl=off");
  await lay("1x2");
  await choose(1, MR_SERIES);
  assert.equal(await stage(0).locator(".cut").count(), 1, "the sagittal slice in the axial picture");
  await stage(0).focus();
  assert.equal(await stage(0).locator(".cut").count(), 0);
  const line = stage(1).locator(".cut");
  const height = async () => [Number(await line.getAttribute("y1")), Number(await line.getAttribute("y2"))];
  const [y1, y2] = await height();
  assert.ok(Math.abs(y1 - y2) < 0.01, "it lies across");
  await key("ArrowDown");
  await drawnIn(0);
  const [below] = await height();
  // 4 mm towards the feet are two pixels of 2 mm.
  const scale = (await stage(1).locator(".picture").boundingBox()).width / 320;
  assert.ok(Math.abs(below - y1 - 2 * scale) < 0.1, `${below - y1}, not ${2 * scale}`);
});

test("panes that are tied are zoomed and moved together", async () => {
  await openIn(page, CT_SERIES);
  await lay("1x2");
  await choose(1, CT_SERIES);
  const widths = () => page.evaluate(() => [...document.querySelectorAll(".stage")].map((one) => one.querySelector("[data-part=bar]").getBoundingClientRect().width));
  const [before] = await widths();
  await key("+");
  const [still, grown] = await widths();
  assert.ok(still === before && grown !== before);
  await key("f", "l", "o");
  const [one, other] = await widths();
  assert.ok(Math.abs(one - other) < 1, `${one} and ${other}`);
});

test("what is written on the picture is hidden and shown again, and tells how the picture was taken", async () => {
  await openIn(page, CT_SERIES);
  await drawnHere(page);
  await stage(0).focus();
  assert.match(await stage(0).locator("[data-part=technique]").textContent(), /4 mm · 120 kV/);
  await key("n");
  for (const part of ["patient", "series", "window", "left", "scale"]) assert.ok(await stage(0).locator(`[data-part=${part}]`).isHidden(), part);
  await key("n");
  assert.ok(await stage(0).locator("[data-part=patient]").isVisible());
});
