// A page of its own for each test of a file, and what every test does with it.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach } from "node:test";
import { DEADLINE_MS, VIEWPORT, launch } from "./browser.mjs";

/** The browser of this file, and the page of the test that runs. */
export let browser;
export let page;
/** What the scripts of the page threw and nobody took. */
let thrown = [];

/** Has a browser for the tests of this file, and a fresh page, which remembers nothing, for each; a page that throws fails its test. */
export function usePages(options = { viewport: VIEWPORT }) {
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());
  beforeEach(async () => {
    await page?.context().close();
    thrown = [];
    await openPage(options);
  });
  afterEach(() => assert.deepEqual(thrown, []));
}

/** Another fresh page in place of the one that the test has. */
export async function openPage(options) {
  const context = await browser.newContext(options);
  page = await context.newPage();
  page.setDefaultTimeout(DEADLINE_MS);
  page.on("pageerror", (error) => thrown.push(error.stack));
}

/** What is drawn follows a hand or a key within a frame of the screen. */
export const nextFrame = () => page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));

/** Strokes keys, one after the other. */
export async function key(...keys) {
  for (const one of keys) await page.keyboard.press(one);
  await nextFrame();
}
