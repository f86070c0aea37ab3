// Every control of the viewer: mouse, keys and buttons, and what is written on the picture.
import assert from "node:assert/strict";
import { test } from "node:test";
import { key, nextFrame, page, usePages } from "./pages.mjs";
import { CT_SERIES, drawnHere, openIn, pixelsOf, shownIn } from "./viewer.mjs";

usePages();

const press = async (name) => {
  await page.locator("#tools").getByRole("button", { name, exact: true }).click();
  await nextFrame();
};

/** Opens a series, drawn by the page; a colour series by the server. */
async function open(name, isHere = true) {
  await openIn(page, name);
  if (isHere) await drawnHere(page);
  await page.locator(".stage.active").focus();
  await nextFrame();
}

/** Drags on the picture, from its middle. */
async function drag(dx, dy, options = {}, modifier = null) {
  const { x, y, width, height } = await page.locator(".stage.active").boundingBox();
  if (modifier) await page.keyboard.down(modifier);
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down(options);
  await page.mouse.move(x + width / 2 + dx, y + height / 2 + dy, { steps: 4 });
  await page.mouse.up(options);
  if (modifier) await page.keyboard.up(modifier);
  await nextFrame();
}

const place = () => page.locator("#place").textContent();
const edges = async () => {
  const text = (side) => page.locator(`.stage.active [data-part=${side}]`).textContent();
  return [await text("left"), await text("top"), await text("right"), await text("bottom")].join(" ");
};
const bar = async () => (await page.locator(".stage.active [data-part=bar]").boundingBox()).width;

/** The grey levels of the canvas, row by row. */
async function greys() {
  const { packed, ...size } = await page.evaluate(async () => {
    const own = document.querySelector(".stage.active canvas");
    const context = Object.assign(document.createElement("canvas"), { width: own.width, height: own.height }).getContext("2d");
    context.drawImage(own, 0, 0);
    const { data } = context.getImageData(0, 0, own.width, own.height);
    const levels = Uint8Array.from({ length: data.length / 4 }, (_, at) => data[4 * at]);
    const reader = new FileReader();
    reader.readAsDataURL(new Blob([levels]));
    await new Promise((read) => { reader.onload = read; });
    return { width: own.width, height: own.height, packed: reader.result.split(",")[1] };
  });
  return { ...size, levels: Buffer.from(packed, "base64") };
}

/** The part of the canvas around its middle, `side` wide and high, and how it looks when each pixel is taken from elsewhere. */
function middle({ width, height, levels }, side, from = (x, y) => [x, y]) {
  const [left, top] = [width / 2 - side / 2, height / 2 - side / 2];
  const rows = Array.from({ length: side }, (_, y) => Array.from({ length: side }, (_, x) => {
    const [column, row] = from(x, y);
    return levels[(top + row) * width + left + column];
  }));
  return rows.flat().join();
}

/** The stage has an even number of pixels to each side, so that the middle of the picture lies between pixels. */
async function openOneToOne() {
  await open(CT_SERIES);
  await page.evaluate(() => { Object.assign(document.querySelector(".stage.active").style, { width: "900px", height: "520px", flex: "none" }); });
  await key("o");
  return greys();
}

test("a key turns the picture and the next one turns it back, and the letters go with it", async () => {
  const before = await openOneToOne();
  const SIDE = 400;
  assert.equal(await edges(), "R A L P");
  await key("r");
  assert.equal(await edges(), "P R A L");
  // What was at the left is on top.
  assert.equal(middle(await greys(), SIDE), middle(before, SIDE, (x, y) => [y, SIDE - 1 - x]));
  await key("Shift+R");
  assert.equal(await edges(), "R A L P");
  assert.equal(middle(await greys(), SIDE), middle(before, SIDE));
});

test("keys mirror the picture, as it is seen, and the letters go with it", async () => {
  const before = await openOneToOne();
  const SIDE = 400;
  await key("h");
  assert.equal(await edges(), "L A R P");
  assert.equal(middle(await greys(), SIDE), middle(before, SIDE, (x, y) => [SIDE - 1 - x, y]));
  await key("v");
  assert.equal(await edges(), "L P R A");
  assert.equal(middle(await greys(), SIDE), middle(before, SIDE, (x, y) => [SIDE - 1 - x, SIDE - 1 - y]));
  await key("h", "v", "r", "h");
  // Turned to the right, then mirrored as it is seen.
  assert.equal(await edges(), "A R P L");
});

test("a key swaps black and white, and so does a button", async () => {
  const before = await openOneToOne();
  const SIDE = 400;
  const swapped = middle({ ...before, levels: before.levels.map((level) => 255 - level) }, SIDE);
  await key("i");
  assert.equal(middle(await greys(), SIDE), swapped);
  await press("Invert");
  assert.equal(middle(await greys(), SIDE), middle(before, SIDE));
});

test("the picture is fitted, shown one to one, zoomed and moved, and the bar is as long as its text says", async () => {
  await open(CT_SERIES);
  const MILLIMETRES = 0.742188;
  const length = async () => {
    const [, number, unit] = /^(\d+) (cm|mm) · Pixel Spacing$/.exec(await page.locator(".stage.active [data-part=length]").textContent());
    return Number(number) * (unit === "cm" ? 10 : 1);
  };
  const scale = async () => ((await bar()) / (await length())) * MILLIMETRES;
  const { width, height } = await page.locator(".stage.active").evaluate(({ clientWidth, clientHeight }) => ({ width: clientWidth, height: clientHeight }));
  const fitted = Math.min(width, height) / 512;
  const assertScale = async (expected) => assert.ok(Math.abs((await scale()) - expected) < 0.02 * expected, `${await scale()}, not ${expected}`);
  await assertScale(fitted);
  await key("o");
  await assertScale(1);
  await key("+");
  await assertScale(1.25);
  await key("-", "-");
  await assertScale(0.8);
  await key("f");
  await assertScale(fitted);
  await drag(0, -100, { button: "right" });
  await assertScale(fitted * 1.01 ** 100);
  await page.locator(".stage.active").dblclick();
  await nextFrame();
  await assertScale(fitted);
  await page.keyboard.down("Control");
  await page.mouse.wheel(0, -200);
  await page.keyboard.up("Control");
  await nextFrame();
  await assertScale(fitted * 1.002 ** 200);
});

test("a drag moves the picture by as many pixels, by the middle button, with Shift, or by the tool", async () => {
  const before = await openOneToOne();
  const moved = (dx, dy) => middle(before, 200, (x, y) => [x - dx, y - dy]);
  await drag(30, 20, { button: "middle" });
  assert.equal(middle(await greys(), 200), moved(30, 20));
  await drag(-50, 10, {}, "Shift");
  assert.equal(middle(await greys(), 200), moved(-20, 30));
  await key("p");
  await drag(20, -30);
  assert.equal(middle(await greys(), 200), middle(before, 200));
  await key("Shift+ArrowRight");
  assert.equal(middle(await greys(), 200), moved(20, 0));
});

test("what is zoomed by the wheel stays under the pointer", async () => {
  const before = await openOneToOne();
  const at = { x: 300, y: 200 };
  const { x, y } = await page.locator(".stage.active").boundingBox();
  const border = await page.locator(".stage.active").evaluate((stage) => stage.clientLeft);
  await page.mouse.move(x + border + at.x, y + border + at.y);
  await page.keyboard.down("Control");
  // Twice as large: 1.002 to the power of 346.6.
  await page.mouse.wheel(0, -346.57);
  await page.keyboard.up("Control");
  await nextFrame();
  const after = await greys();
  const mean = ({ width, levels }, left, top, side) => {
    let sum = 0;
    for (let row = top; row < top + side; row += 1) for (let column = left; column < left + side; column += 1) sum += levels[row * width + column];
    return sum / side ** 2;
  };
  const [one, other] = [mean(before, at.x - 20, at.y - 20, 40), mean(after, at.x - 40, at.y - 40, 80)];
  assert.ok(Math.abs(one - other) < 4, `${one} and ${other}`);
});

test("wheel, drag and keys agree: down leads to the feet", async () => {
  await open(CT_SERIES);
  const height = async () => {
    const [uid] = (await shownIn(page, () => true)).split("/");
    return page.evaluate(async (uid) => (await (await fetch(`/api/v1/dicom/images/${uid}?width=16`)).json()).metadata.image_position[2], uid);
  };
  const settled = () => page.waitForFunction(() =>
    document.querySelector(".stage.active [data-part=slice]").textContent === `Slice ${document.getElementById("place").textContent}`);
  const first = await height();
  await page.locator(".stage.active").hover();
  await page.mouse.wheel(0, 120);
  await settled();
  assert.equal(await place(), "37 / 72");
  const second = await height();
  assert.ok(second < first, `${second} is not below ${first}`);
  await key("ArrowDown");
  assert.equal(await place(), "38 / 72");
  await press("Scroll");
  await drag(0, 100);
  await settled();
  assert.ok(parseInt(await place(), 10) > 38, await place());
  assert.ok((await height()) < second);
  await drag(0, -400);
  assert.ok(parseInt(await place(), 10) < 20, await place());
});

test("a drag with the first tool widens to the right and raises the level down, by the range that is shown", async () => {
  await open(CT_SERIES);
  await drag(150, 100);
  await shownIn(page, (now) => now.endsWith("/600,140"));
  await key("8");
  assert.match(await page.locator(".stage.active [data-part=window]").textContent(), /W 40\s+L 40/);
  await drag(150, 100);
  // A narrow window moves in small steps.
  await shownIn(page, (now) => now.endsWith("/60,50"));
});

test("where a server shows presets alone, no drag makes another window", async () => {
  await page.route("**/dicom/presets", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), free_windows: false } });
  });
  await open(CT_SERIES);
  await drag(150, 100);
  await key("Shift+ArrowRight");
  assert.match(await shownIn(page, () => true), /\/default$/);
  await key("1");
  assert.match(await shownIn(page, () => true), /\/lung$/);
});

test("number keys choose the presets of the modality, and nought the window of the file", async () => {
  await open(CT_SERIES);
  for (const [number, name] of [["1", "lung"], ["3", "brain"], ["0", "default"]]) {
    await key(number);
    await shownIn(page, (now) => now.endsWith(`/${name}`));
    assert.equal(await page.getByRole("button", { name, exact: true }).getAttribute("aria-pressed"), "true");
  }
});

test("Backspace brings everything back as it was opened, but the slice", async () => {
  await open(CT_SERIES);
  await key("ArrowDown");
  const before = await pixelsOf(page);
  await key("i", "r", "h", "+", "1");
  assert.notEqual((await pixelsOf(page)).checksum, before.checksum);
  await key("Backspace");
  assert.deepEqual(await pixelsOf(page), before);
  assert.equal(await place(), "37 / 72");
  await press("Turn");
  await press("Reset");
  assert.deepEqual(await pixelsOf(page), before);
});

test("a cine runs at the pace of its file, and stops", async () => {
  await open("Heart, four chambers", false);
  // 45 ms from one frame to the next.
  assert.equal(await page.locator("#play").getAttribute("title"), "22.2 frames a second");
  await key(" ");
  assert.equal(await page.locator("#play").getAttribute("aria-pressed"), "true");
  await page.waitForFunction(() => parseInt(document.getElementById("place").textContent, 10) > 5);
  await key(" ");
  assert.equal(await page.locator("#play").getAttribute("aria-pressed"), "false");
});

test("colour, which the server draws, lies as it is told, too", async () => {
  await open("Heart, four chambers", false);
  const box = () => page.locator(".stage.active .picture").boundingBox();
  const before = await box();
  assert.ok(before.width > before.height);
  await key("r");
  const turned = await box();
  assert.ok(turned.width < turned.height);
  await key("r", "r", "r", "o");
  const { width, height } = await box();
  assert.deepEqual([width, height], [640, 480]);
  const [plain, source] = [await pixelsOf(page), await page.locator(".stage.active .picture").getAttribute("src")];
  await key("i");
  await page.waitForFunction((source) => document.querySelector(".stage.active .picture").src !== source, source);
  await shownIn(page, () => true);
  assert.notEqual((await pixelsOf(page)).mean, plain.mean);
});

test("a radiograph says that its bar is one at the detector, and where its sides lie", async () => {
  await open("Chest PA");
  assert.match(await page.locator(".stage.active [data-part=length]").textContent(), /^\d+ cm · at the detector$/);
  assert.equal(await edges(), "R H L F");
});

test("a picture without spacing and directions has no bar and no letters", async () => {
  await open("Heart, four chambers", false);
  assert.ok(await page.locator(".stage.active [data-part=scale]").isHidden());
  assert.equal((await edges()).trim(), "");
});

test("the sheet of keys opens by a key and by a button, and tells every key", async () => {
  await open(CT_SERIES);
  await key("?");
  const sheet = page.getByRole("dialog");
  assert.match(await sheet.textContent(), /swap black and white/);
  // Keys of the viewer are none while it is open.
  const before = await place();
  await key("End");
  assert.equal(await place(), before);
  await page.keyboard.press("Escape");
  assert.ok(await sheet.isHidden());
  await page.getByRole("button", { name: "Keys" }).click();
  await sheet.getByRole("button", { name: "Close" }).click();
  assert.ok(await sheet.isHidden());
});

test("keys are for the viewer alone: who writes a search writes", async () => {
  await open(CT_SERIES);
  const before = await pixelsOf(page);
  await page.getByRole("searchbox").focus();
  await page.keyboard.type("irhv");
  assert.deepEqual(await pixelsOf(page), before);
  assert.equal(await page.getByRole("searchbox").inputValue(), "irhv");
});
