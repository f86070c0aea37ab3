// OHIF, as its makers publish it, on Noctis: lists, filters, opens and uploads, without one request that fails.
// NOCTIS: the program; OHIF: the folder of the viewer; NOCTIS_CORPUS: real files, for what the demo study does not have.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { chromium } from "playwright-core";
import { serveNoctis, servePages } from "./servers.mjs";
import { writeStudy } from "./slices.mjs";

const DEADLINE_MS = 60_000;
const ARGS = [
  "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--no-first-run",
];
const corpus = process.env.NOCTIS_CORPUS;
let scratch, pages, noctis, empty, browser, root;

// As operators have it; `root` is the server that a test looks at.
const told = fs.readFileSync(new URL("../../deploy/ohif/app-config.js", import.meta.url), "utf8");
const config = () => {
  const mine = told.replace('"https://noctis.example/dicom-web"', `"${root}"`);
  assert.notEqual(mine, told);
  // What every visitor is asked once.
  return `${mine}\nwindow.config.investigationalUseDialog = { option: "never" };`;
};

before(async () => {
  scratch = fs.mkdtempSync(path.join(os.tmpdir(), "noctis-viewers-"));
  pages = await servePages(process.env.OHIF, config);
  noctis = await serveNoctis(pages.url, path.join(scratch, "data"), "--demo", ...(corpus ? [path.join(corpus, "files")] : []));
  empty = await serveNoctis(pages.url, path.join(scratch, "empty"));
  browser = await chromium.launch({ executablePath: process.env.NOCTIS_CHROMIUM ?? "/usr/bin/chromium", args: ARGS });
});

after(async () => {
  await browser?.close();
  await Promise.all([noctis?.stop(), empty?.stop()]);
  pages?.close();
  if (scratch) fs.rmSync(scratch, { recursive: true, force: true });
});

/** A page of the viewer on `server`, and what was asked of it: status, method, address; `prepare` has the page before it is opened. */
async function openViewer(server, address, prepare) {
  root = `${server.url}/dicom-web`;
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.setDefaultTimeout(DEADLINE_MS);
  const asked = [];
  page.on("response", (answer) => {
    if (answer.url().startsWith(server.url)) asked.push([answer.status(), answer.request().method(), answer.url().slice(server.url.length)]);
  });
  page.on("requestfailed", (request) => {
    const reason = request.failure()?.errorText;
    // What the viewer itself takes back is no fault of the server.
    if (request.url().startsWith(server.url) && reason !== "net::ERR_ABORTED") asked.push([reason, request.method(), request.url()]);
  });
  // Its tour covers everything, whenever it is ready for it.
  await page.addLocatorHandler(page.getByText("Skip all"), (skip) => skip.click());
  await prepare?.(page);
  await page.goto(pages.url + address);
  return { page, asked };
}

const refused = (asked) => asked.filter(([status]) => !(status >= 200 && status < 400));

/** Waits until a pane shows a picture: some greys, at least `least`. */
const drawn = (page, least = 12) => page.waitForFunction((count) => [...document.querySelectorAll("canvas.cornerstone-canvas")].some((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const values = new Set();
  for (let at = 0; at < data.length; at += 4 * 97) values.add(data[at]);
  return values.size >= count;
}), least, { polling: 500 });

async function study(server, query) {
  const answer = await fetch(`${server.url}/dicom-web/series?${query}`);
  assert.equal(answer.status, 200);
  const found = await answer.json();
  assert.ok(found.length > 0, `no series with ${query}`);
  return found[0]["0020000D"].Value[0];
}

describe("OHIF", () => {
  test("lists studies and filters them", async () => {
    const { page, asked } = await openViewer(noctis, "/");
    await page.getByText("Demo, Noctis").first().waitFor();
    const name = page.getByRole("textbox").first();
    await name.fill("nobody");
    await page.getByText("Demo, Noctis").first().waitFor({ state: "detached" });
    await name.fill("demo");
    await page.getByText("Demo, Noctis").first().waitFor();
    assert.deepEqual(refused(asked), []);
    await page.close();
  });

  test("draws every series of the demo study", async () => {
    const { page, asked } = await openViewer(noctis, `/viewer?StudyInstanceUIDs=${await study(noctis, "PatientID=NOCTIS-DEMO&Modality=CT")}`);
    await drawn(page);
    const thumbnails = page.locator("[data-cy=study-browser-thumbnail]");
    assert.equal(await thumbnails.count(), 4);
    const shown = () => page.evaluate(() => document.querySelector("canvas.cornerstone-canvas")?.toDataURL());
    for (const series of [1, 2, 3, 0]) {
      const before = await shown();
      await thumbnails.nth(series).dblclick();
      const differs = (last) => document.querySelector("canvas.cornerstone-canvas")?.toDataURL() !== last;
      await page.waitForFunction(differs, before, { polling: 500 });
      await drawn(page);
    }
    assert.ok(asked.filter(([, , address]) => /\/frames\//.test(address)).length > 20);
    assert.deepEqual(refused(asked), []);
    await page.close();
  });

  test("opens a study by the address of one document", async () => {
    const uid = await study(noctis, "PatientID=NOCTIS-DEMO&Modality=CT");
    const document = encodeURIComponent(`${noctis.url}/api/v1/dicom/studies/${uid}/ohif.json`);
    const { page, asked } = await openViewer(noctis, `/viewer/dicomjson?url=${document}`);
    await drawn(page);
    assert.ok(asked.some(([status, , address]) => status === 200 && /requestType=WADO/.test(address)));
    assert.deepEqual(refused(asked), []);
    await page.close();
  });

  test("draws the first of 600 slices before the metadata of another series are read", async () => {
    const folder = path.join(scratch, "many");
    const { study, series } = writeStudy(folder, 3, 600);
    const server = await serveNoctis(pages.url, path.join(scratch, "of-many"), folder);
    const held = [];
    let isDrawn = false;
    const hold = (page) => page.route(/\/series\/[^/]+\/metadata/, (route) => {
      if (isDrawn || route.request().url().includes(`/${series[0]}/`)) return route.continue();
      held.push(route);
    });
    const { page, asked } = await openViewer(server, `/viewer?StudyInstanceUIDs=${study}`, hold);
    const isMetadata = ([status, , address]) => status === 200 && /\/metadata/.test(address);
    await drawn(page);
    isDrawn = true;
    assert.equal(held.length, 2);
    assert.equal(asked.filter(isMetadata).length, 1);
    for (const route of held) await route.continue();
    const deadline = Date.now() + DEADLINE_MS;
    while (asked.filter(isMetadata).length < 3 && Date.now() < deadline) await page.waitForTimeout(100);
    assert.equal(asked.filter(isMetadata).length, 3);
    assert.deepEqual(refused(asked), []);
    await page.close();
    await server.stop();
  });

  for (const [what, query, greys] of [
    ["a CT", "Modality=CT&StudyInstanceUID=1.2.392.200036.9116.2.6.1.48.1215709311.1309997610.227666", 12],
    ["an MR", "Modality=MR&StudyInstanceUID=1.3.12.2.1107.5.2.50.175689.30000018101921014779100000133", 12],
    ["a multi-frame XA", "Modality=XA&StudyInstanceUID=1.3.12.2.1107.5.4.3.123456789012345.19950922.121803.6", 12],
    ["a segmentation", "Modality=SEG&StudyInstanceUID=1.2.826.0.1.3680043.9.7433.3.82970457260936734119270346325882945", 0],
    ["a structured report", "Modality=SR&StudyInstanceUID=1.2.276.0.7230010.3.1.2.1787205428.166.1117461927.5", 0],
  ]) {
    test(`opens ${what} of a real scanner`, { skip: corpus ? false : "NOCTIS_CORPUS is not set: NOT run" }, async () => {
      const { page, asked } = await openViewer(noctis, `/viewer?StudyInstanceUIDs=${await study(noctis, query)}`);
      await (greys > 0 ? drawn(page, greys) : page.getByText(query.slice("Modality=".length, query.indexOf("&")), { exact: true }).first().waitFor());
      await page.waitForLoadState("networkidle");
      assert.ok(asked.some(([, , address]) => /\/metadata/.test(address)));
      assert.deepEqual(refused(asked), []);
      await page.close();
    });
  }

  test("uploads files, and lists what came", async () => {
    const { page, asked } = await openViewer(empty, "/");
    await page.getByText("Upload").first().click();
    const folder = path.join(scratch, "data", "demo");
    const files = fs.readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".dcm")).slice(0, 12);
    await page.locator("input[type=file]").first().setInputFiles(files.map((name) => path.join(folder, name)));
    const isStored = ([status, method]) => method === "POST" && status === 200;
    const deadline = Date.now() + DEADLINE_MS;
    while (asked.filter(isStored).length < files.length && Date.now() < deadline) await page.waitForTimeout(100);
    assert.equal(asked.filter(isStored).length, files.length);
    await page.goto(pages.url);
    await page.getByText("Demo, Noctis").first().waitFor();
    assert.deepEqual(refused(asked), []);
    await page.close();
  });
});
