// Cornerstone3D by itself, in a page of another origin: the demo study, and a slice in each codec of a corpus, whose samples it decodes by
// itself. NOCTIS: the program; CORNERSTONE: the page, built; NOCTIS_CORPUS: real files.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { serveNoctis, servePages } from "./servers.mjs";

const CODECS = ["RLELossless", "JPEGProcess14SV1", "JPEGLSLossless", "JPEG2000Lossless"];
const { NOCTIS_CORPUS: corpus, CORNERSTONE: built } = process.env;
let scratch, pages, browser;

before(async () => {
  scratch = fs.mkdtempSync(path.join(os.tmpdir(), "noctis-cornerstone-"));
  pages = await servePages(built, () => "");
  browser = await chromium.launch({ executablePath: process.env.NOCTIS_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  pages?.close();
  if (scratch) fs.rmSync(scratch, { recursive: true, force: true });
});

const json = async (address) => (await fetch(address, { headers: { Accept: "application/dicom+json" } })).json();

/** Modality values of the first frame of the series at `address`, as the server decodes its samples: the loader rescales what it has decoded. */
async function decoded(address) {
  const [instance] = await json(`${address}/metadata`);
  const number = (tag) => instance[tag].Value[0];
  const headers = { Accept: "application/octet-stream" };
  const frame = await fetch(`${address}/instances/${number("00080018")}/frames/1`, { headers });
  assert.equal(frame.status, 200);
  const cells = { 8: { 0: Uint8Array, 1: Int8Array }, 16: { 0: Uint16Array, 1: Int16Array } };
  const samples = new cells[number("00280100")][number("00280103")](await frame.arrayBuffer());
  const [slope, intercept] = [Number(instance["00281053"]?.Value[0] ?? 1), Number(instance["00281052"]?.Value[0] ?? 0)];
  return Array.from(samples, (sample) => sample * slope + intercept);
}

/** Opens each series of a server; nothing that the page asks for may fail. */
async function journey(noctis) {
  const page = await browser.newPage();
  const failed = [];
  page.on("response", (response) => response.status() >= 400 && failed.push(`${response.status()} ${response.url()}`));
  page.on("pageerror", (error) => failed.push(error.message));
  await page.goto(pages.url);
  await page.waitForFunction("window.openSeries");
  const told = [];
  for (const row of await json(`${noctis.url}/dicom-web/series?includefield=StudyInstanceUID`)) {
    const value = (tag) => row[tag].Value[0];
    const address = `${noctis.url}/dicom-web/studies/${value("0020000D")}/series/${value("0020000E")}`;
    told.push({ ...(await page.evaluate((address) => window.openSeries(address), address)), modality: value("00080060"), expected: await decoded(address) });
  }
  await page.close();
  // A page has an icon that nobody made.
  assert.deepEqual(failed.filter((line) => !line.endsWith("favicon.ico")), []);
  return told;
}

test("each series of the demo study is drawn from its samples", async () => {
  const noctis = await serveNoctis(pages.url, path.join(scratch, "data"), "--demo");
  try {
    const told = await journey(noctis);
    assert.ok(told.length >= 2, `${told.length} series`);
    for (const { modality, samples, expected, levels } of told) {
      assert.ok(levels > 20, `${modality} has ${levels} levels of grey`);
      assert.deepEqual(samples, expected, modality);
    }
  } finally {
    await noctis.stop();
  }
});

test("a slice in each codec comes to what the server decodes", { skip: corpus ? false : "NOCTIS_CORPUS is not set" }, async () => {
  const files = fs.readdirSync(path.join(corpus, "files"));
  for (const codec of CODECS) {
    const name = files.find((file) => file.startsWith(`cs3d__CTImage.dcm_${codec}`));
    assert.ok(name, `no slice in ${codec}`);
    const noctis = await serveNoctis(pages.url, path.join(scratch, codec), path.join(corpus, "files", name));
    try {
      const [{ samples, expected, levels }] = await journey(noctis);
      assert.ok(levels > 20, `${codec}: ${levels} levels`);
      assert.deepEqual(samples, expected, codec);
    } finally {
      await noctis.stop();
    }
  }
});
