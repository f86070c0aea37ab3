// The half of the viewer that draws by itself: what it makes of the samples is what the server makes of them.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { DEADLINE_MS } from "./browser.mjs";
import { key, nextFrame, page, usePages } from "./pages.mjs";
import { BASE, CT_SERIES, drawnHere, openIn, pixelsOf, shownIn } from "./viewer.mjs";

usePages();

/** Single precision and ties may fall to the other side. */
const LEVELS_APART_MAX = 1;

/** Addresses of pictures that the page asked for, and of streams. */
let asked;

beforeEach(async () => {
  asked = [];
  page.on("request", (request) => /\/(images|series)\/[^/]+(\/frames)?\?.*format=/.test(request.url()) && asked.push(request.url()));
});

async function openHere(name) {
  await openIn(page, name);
  await drawnHere(page);
  await page.locator(".stage.active").focus();
}

const windowShown = async () => (await shownIn(page, () => true)).split("/")[2];

/** How far the canvas, at one to one, is from the picture of the server with these parameters: the most levels, and the share of
 *  pixels that differ at all. */
async function apart(parameters) {
  const [uid, frame] = (await shownIn(page, () => true)).split("/");
  return page.evaluate(async (address) => {
    const own = document.querySelector(".stage.active canvas");
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    const picture = await createImageBitmap(await answer.blob());
    const read = (source) => {
      const context = Object.assign(document.createElement("canvas"), { width: source.width, height: source.height }).getContext("2d");
      context.drawImage(source, 0, 0);
      return context.getImageData(0, 0, source.width, source.height).data;
    };
    const [here, there] = [read(own), read(picture)];
    const [left, top] = [Math.round((own.width - picture.width) / 2), Math.round((own.height - picture.height) / 2)];
    let [most, different, count] = [0, 0, 0];
    for (let y = Math.max(0, top); y < Math.min(own.height, top + picture.height); y += 1) {
      for (let x = Math.max(0, left); x < Math.min(own.width, left + picture.width); x += 1) {
        const levels = Math.abs(here[4 * (y * own.width + x)] - there[4 * ((y - top) * picture.width + x - left)]);
        most = Math.max(most, levels);
        different += levels ? 1 : 0;
        count += 1;
      }
    }
    return { most, different: different / count, count };
  }, `${BASE}/api/v1/dicom/images/${uid}?format=png&frame=${frame}${parameters}`);
}

async function assertSame(parameters) {
  const { most, different, count } = await apart(parameters);
  assert.ok(most <= LEVELS_APART_MAX, `${parameters}: ${most} levels apart`);
  assert.ok(different < 0.02, `${parameters}: ${different} of the pixels differ`);
  assert.ok(count > 60_000, `${count} pixels were compared`);
}

test("a CT under several windows is what the server makes of it", async () => {
  await openHere(CT_SERIES);
  await key("o");
  await assertSame("");
  for (const [nth, name] of ["lung", "bone", "brain"].entries()) {
    await key(String(nth + 1));
    assert.equal(await windowShown(), name);
    await assertSame(`&preset=${name}`);
  }
  await key("Shift+ArrowRight", "Shift+ArrowDown", "Shift+ArrowDown");
  const [window, level] = (await windowShown()).split(",");
  await assertSame(`&window=${window}&level=${level}`);
  await key("i");
  await assertSame(`&window=${window}&level=${level}&invert=true`);
});

test("so is an MR, and a radiograph whose low values are white", async () => {
  for (const name of ["Head T1 axial", "Chest PA"]) {
    await openHere(name);
    await key("o");
    await assertSame("");
    await key("Shift+ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowUp");
    const [window, level] = (await windowShown()).split(",");
    await assertSame(`&window=${window}&level=${level}`);
  }
});

test("a picture that is smaller than its pixels is averaged before the window, as the server does it", async () => {
  await openHere("Chest PA");
  await nextFrame();
  const here = await pixelsOf(page);
  const [uid] = (await shownIn(page, () => true)).split("/");
  const { rows } = (await (await fetch(`${BASE}/api/v1/dicom/images/${uid}`)).json()).metadata;
  assert.ok(here.height < rows, "it is fitted into the stage");
  const mean = await page.evaluate(async (address) => {
    const picture = await createImageBitmap(await (await fetch(address)).blob());
    const own = document.querySelector(".stage.active canvas");
    const context = Object.assign(document.createElement("canvas"), { width: own.width, height: own.height }).getContext("2d");
    context.drawImage(picture, Math.round((own.width - picture.width) / 2), 0);
    const there = context.getImageData(0, 0, own.width, own.height).data;
    context.drawImage(own, 0, 0);
    const here = context.getImageData(0, 0, own.width, own.height).data;
    let sum = 0;
    for (let at = 0; at < here.length; at += 4) sum += Math.abs(here[at] - there[at]);
    return (sum * 4) / here.length;
  }, `${BASE}/api/v1/dicom/images/${uid}?format=png&height=${here.height}`);
  assert.ok(mean < 1, `${mean} levels apart on the average`);
});

test("what is near comes in one request and all else in two at most, and every slice is drawn without another", async () => {
  await openHere(CT_SERIES);
  const stream = () => asked.filter((address) => address.includes("/frames?"));
  await page.waitForFunction(() => document.getElementById("fact-held").textContent === "72 / 72", null, { timeout: 4 * DEADLINE_MS });
  const before = asked.length;
  await key("Home");
  for (let nth = 1; nth < 72; nth += 1) await key("ArrowDown");
  await page.waitForFunction(() => document.querySelector(".stage.active [data-part=slice]").textContent === "Slice 72 / 72");
  assert.ok(await page.locator(".stage.active canvas").isVisible());
  assert.equal(asked.length, before, `also asked ${asked.slice(before)}`);
  assert.ok([2, 3].includes(stream().length), `${stream()}`);
  assert.match(stream()[0], /format=png16/);
  assert.ok(stream().every((address) => !/width/.test(address)), "nothing had to come small");
});

test("where bytes come at once slices come bare, and are what PNG makes of them", async () => {
  // By this clock everything is quick.
  await page.addInitScript(() => {
    const now = performance.now.bind(performance);
    performance.now = () => now() / 1_000;
  });
  await openHere(CT_SERIES);
  await page.waitForFunction(() => document.getElementById("fact-held").textContent === "72 / 72", null, { timeout: 4 * DEADLINE_MS });
  const formats = asked.filter((address) => address.includes("/frames?")).map((address) => new URL(address).searchParams.get("format"));
  assert.deepEqual(formats.slice(0, 2), ["png16", "raw16"]);
  await key("End", "o");
  await page.waitForFunction(() => document.querySelector(".stage.active [data-part=slice]").textContent === "Slice 72 / 72");
  for (const parameters of ["", "&preset=lung"]) {
    if (parameters) await key("1");
    await assertSame(parameters);
  }
});

test("a server that knows nothing of bare slices is asked for PNG", async () => {
  await page.addInitScript(() => {
    const now = performance.now.bind(performance);
    performance.now = () => now() / 1_000;
  });
  const problem = { status: 400, contentType: "application/problem+json", json: { title: "A parameter is wrong", detail: "format: takes png, png16, jpeg or webp here" } };
  await page.route("**/frames?*raw16*", (route) => route.fulfill(problem));
  await openHere(CT_SERIES);
  await page.waitForFunction(() => document.getElementById("fact-held").textContent === "72 / 72", null, { timeout: 4 * DEADLINE_MS });
  const formats = asked.filter((address) => address.includes("/frames?")).map((address) => new URL(address).searchParams.get("format"));
  assert.deepEqual(formats, ["png16", "raw16", "png16"]);
});

test("of a series that is not held whole the next slices come before the hand does", async () => {
  // As large as this, 26 of them have room.
  await page.route("**/series/*/images", async (route) => {
    const answer = await route.fetch();
    const told = await answer.json();
    for (const image of told.images) if (image.rows === 512) Object.assign(image, { rows: 2048, columns: 2048 });
    await route.fulfill({ response: answer, json: told });
  });
  await openHere(CT_SERIES);
  await page.waitForFunction(() => document.getElementById("fact-held").textContent === "26 / 72", null, { timeout: 4 * DEADLINE_MS });
  const pictures = () => asked.filter((address) => !address.includes("/frames?"));
  const before = pictures().length;
  for (const [strokes, name] of [[37, "ArrowDown"], [71, "ArrowUp"]]) {
    for (let nth = 0; nth < strokes; nth += 1) {
      await key(name);
      await page.waitForTimeout(60);
      assert.ok(await page.locator(".stage.active canvas").isVisible());
    }
  }
  await page.waitForFunction(() => document.querySelector(".stage.active [data-part=slice]").textContent === "Slice 1 / 72");
  assert.deepEqual(pictures().slice(before), [], "the server has to draw none");
  assert.match(await page.locator("#fact-held").textContent(), /^(2[0-6]|1\d) \/ 72$/);
});

test("where the rest would take long it comes small first, and then whole", async () => {
  let release;
  const whole = new Promise((go) => { release = go; });
  await page.route("**/frames?*", async (route) => {
    const isSmall = /width=128/.test(route.request().url());
    const nth = asked.filter((address) => address.includes("/frames?")).length;
    const answer = await route.fetch();
    // 25 slices in so long a time are the pace of a slow line.
    if (nth === 1) await new Promise((later) => setTimeout(later, 2_000));
    else if (!isSmall) await whole;
    await route.fulfill({ response: answer });
  });
  await openHere(CT_SERIES);
  await page.waitForFunction(() => document.getElementById("fact-held").textContent === "25 / 72");
  const small = await page.waitForRequest(/frames\?.*width=128/).catch(() => null);
  assert.ok(small || asked.some((address) => /width=128/.test(address)));
  assert.ok(asked.every((address) => !/raw16/.test(address)), "twice the bytes are nothing for a slow line");
  await page.waitForTimeout(300);
  await key("Home");
  await page.waitForFunction(() => document.querySelector(".stage.active [data-part=slice]").textContent === "Slice 1 / 72");
  assert.ok(await page.locator(".stage.active canvas").isVisible(), "drawn here");
  const [here, edges] = [await pixelsOf(page), await page.locator(".stage.active [data-part=bar]").boundingBox()];
  assert.ok(here.levels > 30, `${here.levels} levels`);
  // Nothing is measured on what is small.
  const { x, y, width, height } = await page.locator(".stage.active").boundingBox();
  await page.mouse.move(x + width / 2, y + height / 2);
  assert.equal(await page.locator("#fact-pointer").textContent(), "–");
  release();
  await page.waitForFunction(() => document.getElementById("fact-held").textContent === "72 / 72");
  await nextFrame();
  const then = await pixelsOf(page);
  assert.ok(Math.abs(then.mean - here.mean) < 3, `${then.mean} and ${here.mean}`);
  assert.notEqual(then.checksum, here.checksum);
  assert.deepEqual(await page.locator(".stage.active [data-part=bar]").boundingBox(), edges, "it lies where it lay");
});

test("a window that is dragged asks the server for nothing", async () => {
  await openHere(CT_SERIES);
  const before = await pixelsOf(page);
  const pictures = () => asked.filter((address) => !address.includes("/frames?")).length;
  const count = pictures();
  const box = await page.locator(".stage.active").boundingBox();
  await page.mouse.move(box.x + 200, box.y + 200);
  await page.mouse.down();
  for (let nth = 1; nth <= 30; nth += 1) await page.mouse.move(box.x + 200 + nth * 5, box.y + 200 + nth * 3);
  await page.mouse.up();
  await shownIn(page, (now) => now.endsWith("/600,130"));
  assert.notEqual((await pixelsOf(page)).checksum, before.checksum);
  assert.equal(pictures(), count);
  assert.equal(await page.locator("#fact-trip").textContent(), "none");
});

/** The page as it is when the headers of a series say something else. */
async function openWithHeader(name, change) {
  await page.route("**/dicom-web/**/metadata*", async (route) => {
    const answer = await route.fetch();
    const headers = await answer.json();
    headers.forEach(change);
    await route.fulfill({ response: answer, json: headers });
  });
  const told = page.waitForResponse("**/dicom-web/**/metadata*");
  await openIn(page, name);
  await told;
}

test("overlays are the server's to draw, and the page asks for no samples that it cannot show", async () => {
  await openWithHeader(CT_SERIES, (header) => { header["60000000"] = { vr: "US" }; header["60003000"] = { vr: "OW" }; });
  await key("Home");
  await shownIn(page, () => true);
  await page.waitForFunction(() => document.querySelector(".stage.active [data-part=slice]").textContent === "Slice 1 / 72");
  assert.ok(await page.locator(".stage.active .picture").isVisible());
  assert.ok(await page.locator(".stage.active canvas").isHidden());
  assert.deepEqual(asked.filter((address) => address.includes("/frames?")), []);
});

test("samples that come damaged are not shown: the server draws instead", async () => {
  await page.route("**/frames?*", async (route) => {
    const answer = await route.fetch();
    const body = await answer.body();
    let nth = 0;
    for (let at = body.indexOf("\r\n\r\n\x89PNG", 0, "latin1"); at >= 0; at = body.indexOf("\r\n\r\n\x89PNG", at + 4, "latin1")) {
      nth += 1;
      // In the middle of what is packed, of every other picture.
      if (nth % 2 === 0) body[at + 2_000] ^= 0x55;
    }
    await route.fulfill({ response: answer, body });
  });
  await openIn(page, "Head T1 axial");
  await page.locator(".stage.active").focus();
  await page.waitForFunction(() => document.getElementById("fact-held").textContent === "12 / 24");
  // From head to feet: the last picture of the stream is the first slice.
  await key("Home");
  await page.waitForFunction(() => document.querySelector(".stage.active [data-part=slice]").textContent === "Slice 1 / 24");
  assert.ok(await page.locator(".stage.active .picture").isVisible() && await page.locator(".stage.active canvas").isHidden());
  await key("ArrowDown");
  await page.waitForFunction(() => document.querySelector(".stage.active [data-part=slice]").textContent === "Slice 2 / 24");
  assert.ok(await page.locator(".stage.active canvas").isVisible() && await page.locator(".stage.active .picture").isHidden());
});

test("a stream that is refused leaves everything to the server", async () => {
  await page.route("**/frames?*", (route) => route.fulfill({ status: 403, json: { title: "Forbidden", detail: "Not here." } }));
  const refused = page.waitForResponse("**/frames?*");
  await openIn(page, "Head T1 axial");
  await refused;
  await page.locator(".stage.active").focus();
  await key("ArrowDown", "ArrowDown");
  await page.waitForFunction(() => document.querySelector(".stage.active [data-part=slice]").textContent === "Slice 14 / 24");
  assert.ok(await page.locator(".stage.active .picture").isVisible() && await page.locator(".stage.active .error").isHidden());
  assert.equal(asked.filter((address) => address.includes("/frames?")).length, 1);
});

test("the server draws on when the graphics card is taken away", async () => {
  await openHere("Head T1 axial");
  await key("r", "i");
  await page.evaluate(() => document.querySelector(".stage.active canvas").getContext("webgl2").getExtension("WEBGL_lose_context").loseContext());
  await page.waitForFunction(() => document.querySelector(".stage.active .picture:not([hidden])"));
  assert.ok(await page.locator(".stage.active canvas").isHidden());
  assert.match(asked.at(-1), /invert=true/);
  assert.equal(await page.locator(".stage.active [data-part=top]").textContent(), "R", "it lies as before");
});
