// What is no picture is shown as what it is; and the header of everything is read.
import assert from "node:assert/strict";
import fs from "node:fs";
import { after, before, test } from "node:test";
import { CT_IMAGE, ROOT, disk, element, file, pixels } from "../dicom.mjs";
import { page, usePages } from "./pages.mjs";
import { BASE, CT_SERIES, openIn, remove, shownIn, store } from "./viewer.mjs";

usePages();

const STUDY = `${ROOT}.30`;
const PATIENT = "Documents, All";
const SIDE = 32;
const STATE = "1.2.840.10008.5.1.4.1.1.11.1";
const PDF_BYTES = Buffer.from("%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n");

const code = (value, scheme, meaning) => [element(8, 0x100, "SH", value), element(8, 0x102, "SH", scheme), element(8, 0x104, "LO", meaning)];
const named = (meaning) => element(0x40, 0xa043, "SQ", [code("1", "99NOCTIS", meaning)]);

/** An item of a report: relationship, value type, name, value. */
const content = (type, name, value, children = []) => [
  element(0x40, 0xa010, "CS", "CONTAINS"), element(0x40, 0xa040, "CS", type), named(name), ...value,
  ...(children.length ? [element(0x40, 0xa730, "SQ", children)] : []),
];

function files() {
  const of = (series, number = 1) => ({ study: STUDY, series: `${STUDY}.${series}`, instance: `${STUDY}.${series}.${number}`, number, patient: "Documents^All" });
  const measured = [element(0x40, 0xa300, "SQ", [[
    element(0x40, 0x8ea, "SQ", [code("mm", "UCUM", "millimeter")]), element(0x40, 0xa30a, "DS", "12.5"),
  ]])];
  const report = [
    element(0x20, 0x11, "IS", "2"), element(0x40, 0xa040, "CS", "CONTAINER"), named("Chest report"), element(0x40, 0xa491, "CS", "COMPLETE"),
    element(0x40, 0xa493, "CS", "UNVERIFIED"),
    element(0x40, 0xa730, "SQ", [
      content("CONTAINER", "Findings", [], [content("TEXT", "Lung", [element(0x40, 0xa160, "UT", "No <b>nodule</b>.")]), content("NUM", "Diameter", measured)]),
      content("CODE", "Impression", [element(0x40, 0xa168, "SQ", [code("17621005", "SCT", "Normal")])]),
    ]),
  ];
  const reference = (number) => [element(8, 0x1150, "UI", CT_IMAGE), element(8, 0x1155, "UI", `${STUDY}.1.${number}`)];
  const stateOf = (series, ...numbers) => [
    element(0x20, 0x11, "IS", String(series)),
    element(8, 0x1115, "SQ", [[element(8, 0x1140, "SQ", numbers.map(reference)), element(0x20, 0xe, "UI", `${STUDY}.1`)]]),
    element(0x28, 0x3110, "SQ", [[element(0x28, 0x1050, "DS", "0"), element(0x28, 0x1051, "DS", "200")]]),
    element(0x2050, 0x20, "CS", "INVERSE"),
  ];
  const keys = [
    element(0x20, 0x11, "IS", "7"), element(0x40, 0xa040, "CS", "CONTAINER"), named("For Referring Provider"),
    element(0x40, 0xa730, "SQ", [
      content("TEXT", "Key Object Description", [element(0x40, 0xa160, "UT", "The third is the one.")]),
      ...[3, 8].map((number) => [element(0x40, 0xa010, "CS", "CONTAINS"), element(0x40, 0xa040, "CS", "IMAGE"), element(8, 0x1199, "SQ", [reference(number)])]),
    ]),
  ];
  return [
    file(of(1, 2), [element(0x20, 0x11, "IS", "1"), element(8, 0x103e, "LO", "A slice"), ...pixels(SIDE, 1, disk(SIDE, 5))]),
    file(of(1, 3), [element(0x20, 0x11, "IS", "1"), element(8, 0x103e, "LO", "A slice"), ...pixels(SIDE, 2, disk(SIDE, 6))]),
    file({ ...of(7), sopClass: "1.2.840.10008.5.1.4.1.1.88.59", modality: "KO" }, [element(8, 0x103e, "LO", "Key images"), ...keys]),
    file(of(1), [element(0x20, 0x11, "IS", "1"), element(8, 0x103e, "LO", "A slice"), ...pixels(SIDE, 0, disk(SIDE, 4))]),
    file({ ...of(2), sopClass: "1.2.840.10008.5.1.4.1.1.88.11", modality: "SR" }, [element(8, 0x103e, "LO", "A report"), ...report]),
    file({ ...of(3), sopClass: "1.2.840.10008.5.1.4.1.1.104.1", modality: "DOC" }, [
      element(0x20, 0x11, "IS", "3"), element(8, 0x103e, "LO", "A letter"), element(0x42, 0x11, "OB", PDF_BYTES), element(0x42, 0x12, "LO", "application/pdf"),
      element(0x42, 0x15, "UL", PDF_BYTES.length),
    ]),
    file({ ...of(4), sopClass: STATE, modality: "PR" }, [element(8, 0x103e, "LO", "A state"), ...stateOf(4, 1)]),
    // The second image is not there.
    file({ ...of(6), sopClass: STATE, modality: "PR" }, [element(8, 0x103e, "LO", "Of several"), ...stateOf(6, 1, 7, 1)]),
    file({ ...of(5), sopClass: "1.2.840.10008.5.1.4.1.1.66", modality: "OT" }, [element(0x20, 0x11, "IS", "5"), element(8, 0x103e, "LO", "Raw data")]),
  ];
}

before(() => store(files()));
after(() => remove(STUDY));

const stage = () => page.locator(".stage.active");

async function open(name) {
  await page.goto(`${BASE}/`);
  const study = page.locator(".study", { hasText: PATIENT });
  await study.waitFor();
  await study.click();
  await page.locator(".series", { hasText: name }).click();
  await stage().locator("[data-shown]:visible").waitFor();
}

test("a structured report is a tree of names and values, and nothing in it is markup", async () => {
  await open("A report");
  const text = await stage().locator(".report").innerText();
  for (const expected of ["Chest report", "COMPLETE", "Findings", "Lung: No <b>nodule</b>.", "Diameter: 12.5 mm", "Impression: Normal"]) {
    assert.ok(text.includes(expected), `${expected} is not in ${text}`);
  }
  assert.equal(await stage().locator(".report b").count(), 0);
  assert.equal(await stage().locator(".report ul ul li").count(), 2, "what is contained stands below");
});

test("a selection of key objects shows its images, and each leads to where it is", async () => {
  await open("Key images");
  const report = stage().locator(".report");
  assert.match(await report.innerText(), /For Referring Provider[^]*Key Object Description: The third is the one\./);
  await report.getByText(`${STUDY}.1.8`).waitFor();
  const images = report.getByRole("button", { name: /^Open image \d in its series$/ });
  assert.equal(await images.count(), 1, "one that is not there is told by name");
  assert.ok(await images.locator("img").evaluate((image) => image.decode().then(() => image.naturalWidth > 0)));
  await images.click();
  await shownIn(page, (now) => now.startsWith(`${STUDY}.1.3/`));
  assert.equal(await page.locator("#place").textContent(), "1 / 3", "the one that is nearest to the head");
  assert.match(await page.locator('.series[aria-current="true"]').textContent(), /A slice/);
});

test("a letter is shown as the document that it is", async () => {
  await open("A letter");
  const source = await stage().locator("iframe").getAttribute("src");
  const link = await stage().locator("a").getAttribute("href");
  assert.equal(link, source);
  assert.match(source, /^blob:/);
});

test("a presentation state is its picture, what has none says so, and the slice beside them is drawn as ever", async () => {
  await open("A state");
  assert.ok(await stage().locator(".pictures img").evaluate((image) => image.decode().then(() => image.naturalWidth === 32)));
  await page.locator(".series", { hasText: "Raw data" }).click();
  await stage().getByText("This instance has no picture").waitFor();
  assert.ok(await page.locator("#play").isDisabled());
  await page.locator(".series", { hasText: "A slice" }).click();
  await shownIn(page, (now) => now.endsWith("/default"));
  assert.ok(await stage().locator(".paper").isHidden());
});

test("a state of several images is all of their pictures, and says of which there is none", async () => {
  await open("Of several");
  const shown = stage().locator(".pictures > *");
  assert.deepEqual(await shown.evaluateAll((all) => all.map(({ tagName }) => tagName)), ["IMG", "P", "IMG"]);
  assert.match(await shown.nth(1).textContent(), /image/i);
  assert.equal(await shown.first().evaluate((image) => image.naturalWidth), 32);
});

test("a document is never shown under the words of another, and what it held is given back", async () => {
  await open("A report");
  await page.route("**/rendered", () => {});
  await page.locator(".series", { hasText: "A letter" }).click();
  await page.waitForFunction(() => document.querySelector(".stage.active [data-part=series]").textContent.includes("A letter"));
  assert.equal(await stage().locator(".report").count(), 0);
  await page.unrouteAll();
  await open("A letter");
  const source = await stage().locator("iframe").getAttribute("src");
  await page.evaluate(() => { window.revoked = []; const revoke = URL.revokeObjectURL; URL.revokeObjectURL = (url) => { window.revoked.push(url); revoke(url); }; });
  await page.locator(".series", { hasText: "A slice" }).click();
  await shownIn(page, (now) => now.endsWith("/default"));
  assert.ok((await page.evaluate(() => window.revoked)).includes(source));
});

test("the header is shown with its keywords, and searched", async () => {
  await openIn(page, CT_SERIES);
  await stage().focus();
  await page.keyboard.press("t");
  const dialog = page.getByRole("dialog");
  await dialog.locator("tr").first().waitFor();
  const rows = () => dialog.locator("tr").allTextContents();
  const all = (await rows()).length;
  assert.ok(all > 30, `${all} rows`);
  await dialog.getByRole("searchbox").fill("rescale");
  assert.deepEqual(await rows(), ["(0028,1052)RescaleInterceptDS-1024", "(0028,1053)RescaleSlopeDS1", "(0028,1054)RescaleTypeLOHU"].slice(0, (await rows()).length));
  await dialog.getByRole("searchbox").fill("00100010 demo");
  assert.deepEqual(await rows(), ["(0010,0010)PatientNamePNDemo^Noctis"]);
  await dialog.getByRole("searchbox").fill("nothing of it");
  assert.deepEqual(await rows(), []);
  await dialog.getByRole("button", { name: "Close" }).click();
  assert.ok(await dialog.isHidden());
});

test("a picture and its file are taken along", async () => {
  await openIn(page, CT_SERIES);
  const taken = async (name) => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#tools").getByRole("button", { name, exact: true }).click()]);
    return [download.suggestedFilename(), fs.readFileSync(await download.path())];
  };
  const [pictureName, picture] = await taken("PNG");
  assert.equal(pictureName, "CT-36.png");
  assert.equal(picture.subarray(1, 4).toString(), "PNG");
  const [uid] = (await shownIn(page, () => true)).split("/");
  const [fileName, original] = await taken("Original");
  assert.equal(fileName, `${uid}.dcm`);
  const stored = Buffer.from(await (await fetch(`${BASE}/api/v1/dicom/images/${uid}/file`)).arrayBuffer());
  assert.ok(original.equals(stored));
});
