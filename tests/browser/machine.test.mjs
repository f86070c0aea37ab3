// The page for operators: what the server tells of the machine, as it goes on, and what is done about dead letters.
import assert from "node:assert/strict";
import { test } from "node:test";
import { key, page, usePages } from "./pages.mjs";
import { BASE, CT_SERIES, openIn } from "./viewer.mjs";

usePages();

const rows = (part) => page.locator(`[data-part=${part}] tbody tr`);
const text = (locator) => locator.innerText().then((words) => words.replace(/\s+/g, " ").trim());

async function open() {
  await page.goto(`${BASE}/machine`);
  await page.locator(".live.now").waitFor();
}

/** The state that the server really has. */
const real = async () => (await fetch(`${BASE}/api/v1/machine`)).json();

/** Has the server tell another state, each time it is asked. */
async function tells(change) {
  const state = await real();
  change(state);
  await page.route("**/api/v1/machine/events", (route) => route.fulfill({ contentType: "text/event-stream", body: `event: machine\ndata: ${JSON.stringify(state)}\n\n` }));
}

const LETTER = { id: "one/1", lane: "on-screen", kind: "render.job.v1", reason: "crashed", cause: "the decoder crashed", attempt: 3, study_id: "11111111-2222-3333-4444-555555555555", at: "2026-11-30T01:02:03Z", body: null };

test("it shows what the server tells of lanes, workers, tiers and stages, and goes on", async () => {
  await openIn(page, CT_SERIES);
  await page.getByRole("link", { name: "State of the machine" }).click();
  await page.locator(".live.now").waitFor();
  assert.match(await text(page.locator("#back-ends")), /^queue: up cache: up catalog: up$/);
  assert.deepEqual(await Promise.all((await rows("lanes").all()).map((row) => text(row.locator("code")))), ["on-screen", "on-screen-heavy", "background", "index", "upload"]);
  const [worker] = (await real()).workers;
  const shown = await text(rows("workers").first());
  assert.ok(shown.startsWith(worker.name), shown);
  assert.match(shown, new RegExp(`\\d+ / ${worker.slots}`));
  assert.match(await text(rows("stages").nth(3)), /^decode [\d.]+ [\d.]+$/);
  const memory = async () => Number((await text(rows("tiers").first().locator(".number"))).replaceAll(",", ""));
  const [before, at] = [await memory(), await page.locator("#live").textContent()];
  const [{ study_id: study }] = (await (await fetch(`${BASE}/api/v1/dicom/studies`)).json()).studies;
  const { series } = await (await fetch(`${BASE}/api/v1/dicom/studies/${study}/series`)).json();
  const { images } = await (await fetch(`${BASE}/api/v1/dicom/series/${series[0].series_id}/images`)).json();
  for (let nth = 0; nth < 3; nth += 1) await (await fetch(`${BASE}/api/v1/dicom/images/${images[0].image_id}`, { headers: { Accept: "image/png" } })).arrayBuffer();
  await page.waitForFunction((then) => document.getElementById("live").textContent !== then, at);
  await page.waitForFunction((least) => Number(document.querySelector("[data-part=tiers] tbody .number").textContent.replaceAll(",", "")) >= least, before + 2);
  assert.equal(await page.locator("#refused").isVisible(), false);
});

test("a dead letter tells its reason, is sent back and dropped, and a question comes before", async () => {
  await tells((state) => { state.dead_letters = { total: 7, oldest: [LETTER, { ...LETTER, id: "", reason: "undecodable", lane: null, cause: null, study_id: null }] }; });
  const asked = [];
  await page.route("**/api/v1/dead-letters/**", async (route) => {
    asked.push(`${route.request().method()} ${new URL(route.request().url()).pathname}${new URL(route.request().url()).search}`);
    await route.fulfill({ json: { redriven: 1, dropped: 1 } });
  });
  await open();
  assert.equal(await text(page.locator("#letters-total")), "7");
  assert.match(await text(rows("dead_letters").first()), /2026-11-30 \d\d:02:03 on-screen crashed the decoder crashed 11111111 Redrive Drop…/);
  assert.equal(await rows("dead_letters").nth(1).getByRole("button").count(), 0, "one without an id is named by nothing");
  assert.equal(await rows("dead_letters").first().getByRole("link").getAttribute("href"), `/#study=${LETTER.study_id}`);
  await rows("dead_letters").first().getByRole("button", { name: "Redrive" }).click();
  await page.getByText("1 message went back to its lane").waitFor();
  await page.getByRole("button", { name: "Redrive all" }).click();
  await rows("dead_letters").first().getByRole("button", { name: "Drop…" }).click();
  assert.match(await page.getByRole("dialog").textContent(), /2026-11-30 \d\d:02:03 crashed/, "it says which");
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await rows("dead_letters").first().getByRole("button", { name: "Drop…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Drop…" }).click();
  await page.getByText("1 message was dropped").waitFor();
  assert.deepEqual(asked, ["POST /api/v1/dead-letters/one%2F1/redrive", "POST /api/v1/dead-letters/redrive?all=true", "DELETE /api/v1/dead-letters/one%2F1"]);
});

test("what the server refuses is said in its words, and the button works again", async () => {
  await tells((state) => { state.dead_letters = { total: 1, oldest: [LETTER] }; });
  await page.route("**/api/v1/dead-letters/**", (route) => route.fulfill({ status: 404, contentType: "application/problem+json", json: { title: "No such dead letter", detail: "No dead letter has this id." } }));
  await open();
  const redrive = rows("dead_letters").first().getByRole("button", { name: "Redrive" });
  await redrive.click();
  await page.getByRole("alert").filter({ hasText: "No dead letter has this id." }).waitFor();
  assert.ok(await redrive.isEnabled());
});

test("the focus stays where it is while everything around it changes", async () => {
  const state = await real();
  state.dead_letters = { total: 1, oldest: [LETTER] };
  let told = 0;
  await page.route("**/api/v1/machine/events", (route) => {
    told += 1;
    state.lanes[0].depth += 1;
    // Another letter comes before it, and it fails once more.
    state.dead_letters = { total: told, oldest: [...Array.from({ length: told }, (_, nth) => ({ ...LETTER, id: `other-${nth}` })), { ...LETTER, attempt: told }] };
    return route.fulfill({ contentType: "text/event-stream", body: `event: machine\ndata: ${JSON.stringify(state)}\n\n` });
  });
  await open();
  await rows("dead_letters").last().getByRole("button", { name: "Redrive" }).focus();
  const count = await rows("dead_letters").count();
  await page.waitForFunction((before) => document.querySelectorAll("[data-part=dead_letters] tbody tr").length > before, count);
  assert.deepEqual(await page.evaluate(() => [document.activeElement.textContent, document.activeElement.closest("tr").dataset.key]), ["Redrive", LETTER.id]);
  await key("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Drop…");
});

test("a stream that falls silent is said, and asked for anew", async () => {
  await page.clock.install();
  await open();
  let asked = 0;
  await page.route("**/api/v1/machine/events", () => { asked += 1; });
  await page.reload();
  await page.locator("#live").waitFor({ state: "attached" });
  await page.waitForFunction(() => document.querySelector("#live"));
  await page.clock.runFor(10_500);
  await page.locator(".live.lost", { hasText: "the connection is lost" }).waitFor();
  assert.ok(asked >= 2, `${asked}`);
});

test("what could not be looked at says why, and the rest is shown", async () => {
  await tells((state) => {
    Object.assign(state, { lanes: null, dead_letters: null, jobs: null, missing: { lanes: "The queue does not answer.", dead_letters: "The queue does not answer.", jobs: "The catalog does not answer." } });
    state.back_ends.queue = "down";
  });
  await open();
  assert.match(await text(page.locator("#back-ends .down")), /queue: down/);
  for (const part of ["lanes", "dead_letters", "jobs"]) {
    assert.equal(await page.locator(`[data-part=${part}]`).isVisible(), false, part);
    assert.match(await text(page.locator(`[data-missing=${part}]`)), /does not answer/);
  }
  assert.ok(await rows("workers").first().isVisible());
});

test("a server that is gone is said, and found again when it is back", async () => {
  await open();
  await page.route("**/api/v1/machine/events", (route) => route.abort());
  // What is under way goes on until somebody looks anew.
  await page.reload();
  await page.locator(".live.lost", { hasText: "the connection is lost" }).waitFor();
  await page.unroute("**/api/v1/machine/events");
  await page.locator(".live.now").waitFor();
});

test("failures and jobs are told with their study", async () => {
  await tells((state) => {
    state.failures = [{ at: LETTER.at, image_id: LETTER.study_id, study_id: LETTER.study_id, kind: "unrenderable", reason: "the codestream is damaged" }];
    state.jobs = [{ ...state.jobs?.[0], job_id: LETTER.study_id, kind: "prerender", state: "running", done: 3, failed: 1, total: 8, study_id: LETTER.study_id, created_at: LETTER.at }];
  });
  await open();
  assert.match(await text(rows("failures").first()), /unrenderable the codestream is damaged 11111111/);
  assert.match(await text(rows("jobs").first()), /prerender running 4 \/ 8 11111111/);
});

test("it hangs over no edge of a phone, and each page leads to the other", async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${BASE}/`);
  await page.getByRole("link", { name: "State of the machine" }).filter({ visible: true }).click();
  await page.locator(".live.now").waitFor();
  assert.ok(await page.getByRole("link", { name: "Studies" }).isVisible());
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
});
