// The shelf: files that come, and studies that go.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { ROOT, disk, file, pixels } from "../dicom.mjs";
import { page, usePages } from "./pages.mjs";
import { BASE, drawn, remove, store } from "./viewer.mjs";

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

/** Patients of the list, from the top. */
const patients = () => page.locator(".study .name").allTextContents();
const patientsAre = (...expected) => page.waitForFunction((names) => {
  const shown = [...document.querySelectorAll(".study .name")].map(({ textContent }) => textContent);
  return JSON.stringify(shown) === JSON.stringify(names);
}, expected);

test("studies are a table where there is a choice, sorted by a column both ways, and beside the pictures once one is open", async () => {
  await store([slice(1), slice(2)]);
  // The address of the page before names the only study that there was.
  await page.goto("about:blank");
  await page.goto(`${BASE}/`);
  await page.locator(".room.table").waitFor();
  const row = study();
  for (const expected of ["TESTS", "CT", "1 series · 2 images"]) assert.ok((await row.innerText()).includes(expected), await row.innerText());
  assert.ok(await page.locator("#viewer").isHidden());
  // What stands in a row stands under the head of its column.
  for (const [head, part] of [["Patient", ".name"], ["ID", ".id"], ["Date", ".date"]]) {
    const [above, below] = await Promise.all([page.locator("#sorts").getByRole("button", { name: head, exact: true }).boundingBox(), row.locator(part).boundingBox()]);
    assert.ok(Math.abs(above.x - below.x) < 4, `${head}: ${above.x} and ${below.x}`);
  }
  await page.waitForFunction(() => [...document.querySelectorAll("img.portrait")].every((image) => image.naturalWidth > 0));
  const by = (name) => page.locator("#sorts").getByRole("button", { name, exact: true });
  assert.equal(await by("Date").getAttribute("aria-pressed"), "true");
  await by("Patient").click();
  await patientsAre("Demo, Noctis", PATIENT);
  await by("Patient").click();
  await patientsAre(PATIENT, "Demo, Noctis");
  assert.equal(await by("Patient").getAttribute("data-way"), "down");
  await row.click();
  await page.locator(".series", { hasText: "2 images" }).click();
  await drawn(page);
  assert.ok(await page.locator("#viewer").isVisible());
  assert.equal(await page.locator("#spread").getAttribute("aria-pressed"), "false");
  await page.getByRole("button", { name: "Table" }).click();
  assert.ok(await page.locator("#viewer").isHidden());
  await page.getByRole("button", { name: "Table" }).click();
  await drawn(page);
});

test("studies are filtered by modality and dates, and what matches nothing is said", async () => {
  await store([slice(1)]);
  // The address of the page before names the only study that there was.
  await page.goto("about:blank");
  await page.goto(`${BASE}/`);
  await page.locator(".room.table").waitFor();
  await page.getByLabel("Modality").selectOption("US");
  await patientsAre("Demo, Noctis");
  await page.getByLabel("Modality").selectOption("");
  await page.getByLabel("From", { exact: true }).fill("2026-02-01");
  await patientsAre(PATIENT);
  await page.getByLabel("To", { exact: true }).fill("2026-02-02");
  await page.getByText("No study matches.").waitFor();
  await page.getByLabel("From", { exact: true }).fill("");
  await patientsAre("Demo, Noctis");
  assert.deepEqual(await patients(), ["Demo, Noctis"]);
});

test("a study is deleted from the table, too, and what the server refuses is said there", async () => {
  await store([slice(1)]);
  await page.goto("about:blank");
  await page.goto(`${BASE}/`);
  await page.locator(".room.table").waitFor();
  await page.route("**/api/v1/dicom/studies?**", (route) => route.fulfill({ status: 503, contentType: "application/problem+json", json: { title: "Away", detail: "The catalog does not answer." } }));
  await page.getByLabel("Modality").selectOption("CT");
  await page.getByRole("alert").filter({ hasText: "The catalog does not answer." }).waitFor();
  await page.unroute("**/api/v1/dicom/studies?**");
  await page.getByLabel("Modality").selectOption("");
  await page.waitForFunction(() => document.getElementById("shelf-refused").textContent === "");
  await study().click();
  await page.locator(".actions").filter({ visible: true }).getByRole("button", { name: "Delete…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  await study().waitFor({ state: "detached" });
});
