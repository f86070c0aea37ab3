// What the page takes, on a server that has one series of 300 slices and one of 1,000: NOCTIS_URL names it. Prints JSON; scripts/bench page asks for it.
// Wall-clock of the browser: a figure of an idle machine alone.
import fs from "node:fs";
import { VIEWPORT, launch } from "./browser.mjs";
import { BASE } from "./viewer.mjs";

const ROUNDS = 5;
const DEADLINE_MS = 120_000;
const REST_MS = 1_000;
const MIB = 1024 ** 2;

const median = (values) => [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)];
const ask = async (path) => (await fetch(`${BASE}/api/v1/dicom/${path}`)).json();

/** Studies with their only series, the smaller first. */
async function seriesBySize() {
  const { studies } = await ask("studies");
  const all = await Promise.all(studies.map(async ({ study_id: study }) => ({ study, ...(await ask(`studies/${study}/series`)).series[0] })));
  return all.sort((one, other) => one.image_count - other.image_count);
}

/** Notes when the first picture is there, and when the last samples that are held have come, in milliseconds after the address was entered. */
function watch() {
  window.seen = { held: "" };
  new MutationObserver(() => {
    if (!window.seen.first && document.querySelector(".stage [data-shown]:not([hidden])")) window.seen.first = performance.now();
    const held = document.getElementById("fact-held")?.textContent ?? "";
    if (/ \/ /.test(held) && held !== window.seen.held) Object.assign(window.seen, { held, last: performance.now() });
  }).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
}

async function open(browser, { study, series_id: series }) {
  const context = await browser.newContext({ viewport: VIEWPORT });
  const page = await context.newPage();
  await page.addInitScript(watch);
  await page.goto(`${BASE}/#study=${study}&series=${series}`);
  // Nothing has come for a while: it is all that comes.
  await page.waitForFunction((rest) => window.seen.first && performance.now() - window.seen.last > rest, REST_MS, { timeout: DEADLINE_MS });
  return { context, page, seen: await page.evaluate(() => window.seen) };
}

/** Memory of the largest renderer, in MiB. */
async function rendererMiB(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const sizes = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => {
    const [, kib] = /VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${id}/status`, "utf8")) ?? [0, 0];
    return (Number(kib) * 1024) / MIB;
  });
  return Math.max(...sizes);
}

const browser = await launch();
const [small, large] = await seriesBySize();
const rounds = [];
for (let nth = 0; nth < ROUNDS; nth += 1) {
  const { context, seen } = await open(browser, small);
  rounds.push(seen);
  await context.close();
}
const { page, seen } = await open(browser, large);
const atEnd = await rendererMiB(browser);
await page.locator(".stage.active").focus();
for (let nth = 0; nth < 50; nth += 1) await page.keyboard.press("PageDown");
const afterScroll = await rendererMiB(browser);
console.log(JSON.stringify({
  first_ms: median(rounds.map(({ first }) => first)), small: small.image_count, small_held: rounds[0].held, small_all_ms: median(rounds.map(({ last }) => last)),
  large: large.image_count, large_held: seen.held, large_all_ms: seen.last, large_mib: atEnd, large_scrolled_mib: afterScroll,
}));
await browser.close();
