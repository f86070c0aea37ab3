// dicomweb-client, the library that viewers in JavaScript are built on, in a page of another origin: searches, metadata, instances, frames,
// pictures, and storing. NOCTIS: the program.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { serveNoctis, servePages } from "./servers.mjs";

const LIBRARY = fileURLToPath(new URL("node_modules/dicomweb-client/build", import.meta.url));
let scratch, pages, noctis, empty, browser;

before(async () => {
  scratch = fs.mkdtempSync(path.join(os.tmpdir(), "noctis-library-"));
  const root = path.join(scratch, "pages");
  fs.cpSync(LIBRARY, root, { recursive: true });
  fs.writeFileSync(path.join(root, "index.html"), "<!doctype html><title>A page</title>");
  pages = await servePages(root, () => "");
  noctis = await serveNoctis(pages.url, path.join(scratch, "data"), "--demo");
  empty = await serveNoctis(pages.url, path.join(scratch, "empty"));
  browser = await chromium.launch({ executablePath: process.env.NOCTIS_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  await Promise.all([noctis?.stop(), empty?.stop()]);
  pages?.close();
  if (scratch) fs.rmSync(scratch, { recursive: true, force: true });
});

/** What the page comes to; runs in the browser. */
async function journey({ from, to }) {
  const { api } = await import("/dicomweb-client.es.js");
  const client = new api.DICOMwebClient({ url: `${from}/dicom-web` });
  const value = (row, tag) => row[tag].Value[0];
  const [study] = await client.searchForStudies({ queryParams: { PatientID: "NOCTIS-DEMO" } });
  const studyInstanceUID = value(study, "0020000D");
  const told = { series: [], stored: undefined, refused: undefined };
  let whole;
  for (const series of await client.searchForSeries({ studyInstanceUID })) {
    const seriesInstanceUID = value(series, "0020000E");
    const rows = await client.searchForInstances({ studyInstanceUID, seriesInstanceUID });
    const metadata = await client.retrieveSeriesMetadata({ studyInstanceUID, seriesInstanceUID });
    const one = { studyInstanceUID, seriesInstanceUID, sopInstanceUID: value(rows[0], "00080018") };
    whole = await client.retrieveInstance(one);
    const octets = (transferSyntaxUID) => [{ mediaType: "application/octet-stream", transferSyntaxUID }];
    const [stored] = await client.retrieveInstanceFrames({ ...one, frameNumbers: [1], mediaTypes: octets("*") });
    const [decoded] = await client.retrieveInstanceFrames({ ...one, frameNumbers: [1] });
    const [rendered] = await client.retrieveInstanceRendered({ ...one, queryParams: { accept: "image/png" } });
    told.series.push({
      modality: value(series, "00080060"),
      counts: [rows.length, metadata.length, value(series, "00201209")],
      magic: new TextDecoder().decode(new Uint8Array(whole, 128, 4)),
      stored: stored.byteLength,
      decoded: decoded.byteLength,
      cells: value(rows[0], "00280010") * value(rows[0], "00280011"),
      png: new TextDecoder("latin1").decode(new Uint8Array(rendered, 1, 3)),
    });
  }
  const other = new api.DICOMwebClient({ url: `${to}/dicom-web` });
  told.stored = await other.storeInstances({ datasets: [whole] }).then((answer) => JSON.parse(answer ?? "null"));
  told.found = (await other.searchForInstances()).length;
  const bytes = new Uint8Array(whole.slice(0));
  bytes[bytes.length - 1] ^= 1;
  told.refused = await other.storeInstances({ datasets: [bytes.buffer] }).then(() => "taken", (error) => error.status);
  return told;
}

test("a page of another origin does all of it", async () => {
  const page = await browser.newPage();
  await page.goto(pages.url);
  const told = await page.evaluate(journey, { from: noctis.url, to: empty.url });
  assert.deepEqual(told.series.map(({ modality }) => modality).sort(), ["CR", "CT", "MR", "US"]);
  for (const { modality, counts, magic, stored, decoded, cells, png } of told.series) {
    assert.deepEqual(counts, Array(3).fill(counts[0]), modality);
    assert.equal(magic, "DICM");
    assert.equal(png, "PNG");
    assert.ok(stored > 0 && decoded % cells === 0 && decoded >= cells, `${modality}: ${decoded} bytes of ${cells} cells`);
  }
  assert.equal(told.stored["00081199"].Value.length, 1);
  assert.equal(told.found, 1);
  assert.equal(told.refused, 409);
});
