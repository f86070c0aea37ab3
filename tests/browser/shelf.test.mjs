// The shelf: files that come, and studies that go.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { ROOT, disk, file, pixels } from "../dicom.mjs";
import { page, usePages } from "./pages.mjs";
import { BASE, drawn, remove } from "./viewer.mjs";

usePages();

const STUDY = `${ROOT}.20`;
const PATIENT = "Files, Many";
const SIDE = 32;

let folder;

const slice = (nth, height = nth) => file({ study: STUDY, series: `${STUDY}.1`, instance: `${STUDY}.1.${nth}`, number: nth, patient: "Files^Many" }, pixels(SIDE, height, disk(SIDE, nth)));

before(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "noctis-shelf-"));
  fs.mkdirSync(path.join(folder, "study", "in", "folders"), { recursive: true });
  for (const nth of [1, 2, 3]) fs.writeFileSync(path.join(folder, "study", "in", "folders", `${nth}.dcm`), slice(nth));
  fs.writeFileSync(path.join(folder, "study", "readme.txt"), "not DICOM");
  fs.writeFileSync(path.join(folder, "study", ".hidden"), "not DICOM");
  fs.writeFileSync(path.join(folder, "other.dcm"), slice(1, 99));
});

after(async () => {
  await remove(STUDY);
  fs.rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  await remove(STUDY);
  await page.goto(`${BASE}/`);
  await page.locator(".study").first().waitFor();
});

const told = () => page.locator("#upload-count").textContent();
const study = () => page.locator(".study", { hasText: PATIENT });

/** Drops a file or a folder of this machine onto the page, as a person does. */
async function drop(name) {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [name], dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"]) await session.send("Input.dispatchDragEvent", { type, x: 300, y: 300, data });
}

test("a folder that is dropped is stored, folders in folders too, and what is no DICOM is told by name", async () => {
  await drop(path.join(folder, "study"));
  await page.getByRole("button", { name: "Close" }).waitFor();
  assert.equal(await told(), "3 of 4 stored, 1 not");
  assert.match(await page.locator("#upload-list").textContent(), /study\/readme\.txt.+/);
  await study().waitFor();
  assert.match(await study().textContent(), /1 series · 3 images/);
  await study().click();
  await page.locator(".series", { hasText: "3 images" }).click();
  await drawn(page);
  await page.getByRole("button", { name: "Close" }).click();
  assert.ok(await page.locator("#uploads").isHidden());
});

test("files that are chosen are stored; the same again are no harm, and others under their name are refused", async () => {
  const names = [1, 2].map((nth) => path.join(folder, "study", "in", "folders", `${nth}.dcm`));
  for (const round of ["2 of 2 stored", "2 of 2 stored"]) {
    await page.locator("#files").setInputFiles(names);
    await page.getByRole("button", { name: "Close" }).waitFor();
    assert.equal(await told(), round);
    await page.getByRole("button", { name: "Close" }).click();
  }
  await page.locator("#files").setInputFiles([path.join(folder, "other.dcm")]);
  await page.getByRole("button", { name: "Close" }).waitFor();
  assert.equal(await told(), "0 of 1 stored, 1 not");
  assert.match(await page.locator("#upload-list").textContent(), /other\.dcm .*bytes/);
});

test("a server that does not answer is told, file by file, and a round can be stopped", async () => {
  await page.route("**/dicom-web/studies", (route) => (route.request().method() === "POST" ? route.abort() : route.continue()));
  const names = [1, 2, 3].map((nth) => path.join(folder, "study", "in", "folders", `${nth}.dcm`));
  await page.locator("#files").setInputFiles(names);
  await page.getByRole("button", { name: "Close" }).waitFor();
  assert.equal(await told(), "0 of 3 stored, 3 not");
  assert.match(await page.locator("#upload-list").textContent(), /does not answer/);
  await page.unrouteAll();
  await page.route("**/dicom-web/studies", () => {});
  await page.locator("#files").setInputFiles(names);
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByRole("button", { name: "Close" }).waitFor();
  assert.match(await page.locator("#upload-list").textContent(), /stopped/);
});

test("a study is deleted by who confirms it, and what was shown of it is gone", async () => {
  await drop(path.join(folder, "study"));
  await study().waitFor();
  await study().click();
  await page.locator(".series", { hasText: "3 images" }).click();
  await drawn(page);
  await page.getByRole("button", { name: "Delete…" }).click();
  const dialog = page.getByRole("dialog");
  assert.match(await dialog.textContent(), /Files, Many.*3 images/);
  await dialog.getByRole("button", { name: "Cancel" }).click();
  assert.equal((await fetch(`${BASE}/api/v1/dicom/studies/${STUDY}`)).status, 200);
  await page.getByRole("button", { name: "Delete…" }).click();
  await dialog.getByRole("button", { name: "Delete", exact: true }).click();
  await study().waitFor({ state: "detached" });
  assert.equal((await fetch(`${BASE}/api/v1/dicom/studies/${STUDY}`)).status, 404);
  await page.getByText("Choose a series to see its pictures.").waitFor();
  assert.equal(await page.locator(".stage.active [data-part=patient]").textContent(), "");
});

test("a study is taken along as an archive", async () => {
  await drop(path.join(folder, "study"));
  await study().waitFor();
  await study().click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download" }).click()]);
  assert.equal(download.suggestedFilename(), `${STUDY}.zip`);
  const bytes = fs.readFileSync(await download.path());
  assert.equal(bytes.subarray(0, 2).toString(), "PK");
  assert.ok(bytes.includes(`${STUDY}.1.3.dcm`));
});
