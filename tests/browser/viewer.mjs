// The viewer as tests see it: opening a series, and what is drawn of it, by the page itself or by the server.
import assert from "node:assert/strict";
import { DEADLINE_MS } from "./browser.mjs";

export const BASE = process.env.NOCTIS_URL;
assert.ok(BASE, "NOCTIS_URL names the server, such as http://127.0.0.1:8080");
export const DEMO_PATIENT = "Demo, Noctis";
export const CT_SERIES = "Chest with contrast, 4 mm";

/** Stores files, as any client does. */
export async function store(files) {
  for (const body of files) {
    const answer = await fetch(`${BASE}/dicom-web/studies`, { method: "POST", headers: { "Content-Type": "application/dicom" }, body });
    assert.equal(answer.status, 200, await answer.text());
  }
}

/** Deletes a study, if it is there. */
export const remove = (studyUid) => fetch(`${BASE}/api/v1/dicom/studies/${studyUid}`, { method: "DELETE" });

/** Opens the page, the demonstration study if it is closed, and a series of it. */
export async function openIn(page, name, query = "") {
  await page.goto(`${BASE}/${query}`);
  const study = page.locator(".study", { hasText: DEMO_PATIENT });
  await study.waitFor();
  const series = page.locator(".series", { hasText: name });
  // With one study the page opens it by itself; with several it waits for a click.
  if ((await page.locator(".study").count()) > 1 && (await study.getAttribute("aria-expanded")) === "false") await study.click();
  await series.click();
  await shownIn(page, () => true);
}

/** Waits until a picture is drawn, by whomever. */
export const drawn = (page) => page.waitForFunction(() => document.querySelector(".stage.active [data-shown]:not([hidden])"));

/** Waits until what is drawn satisfies `holds`, and says what it shows: `<SOP Instance UID>/<frame>/<window>`. */
export async function shownIn(page, holds) {
  const until = Date.now() + DEADLINE_MS;
  for (;;) {
    const now = await page.evaluate(() => {
      const element = document.querySelector(".stage.active [data-shown]:not([hidden])");
      const isWhole = element?.tagName === "CANVAS" || (element?.complete && element.naturalWidth > 0);
      return isWhole ? element.dataset.shown : null;
    });
    if (now && holds(now)) return now;
    assert.ok(Date.now() < until, `still ${now} after ${DEADLINE_MS} ms: ${await page.locator(".stage.active .error").textContent()}`);
    await page.waitForTimeout(20);
  }
}

/** Waits until the page draws by itself: the samples of the slice are here. */
export const drawnHere = (page) => page.waitForFunction(() => document.querySelector(".stage.active canvas:not([hidden])"));

/** Size, number of grey levels, mean and a checksum of what is drawn. */
export const pixelsOf = (page) => page.evaluate(() => {
  const element = document.querySelector(".stage.active [data-shown]:not([hidden])");
  const [width, height] = element.tagName === "CANVAS" ? [element.width, element.height] : [element.naturalWidth, element.naturalHeight];
  const context = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
  context.drawImage(element, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const levels = new Set();
  let [sum, checksum] = [0, 0];
  for (let index = 0; index < data.length; index += 4) {
    levels.add(data[index]);
    sum += data[index];
    checksum = (checksum * 31 + data[index]) >>> 0;
  }
  return { width, height, levels: levels.size, mean: (sum * 4) / data.length, checksum };
});
