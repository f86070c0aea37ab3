// The page in front of a server that asks for tokens: a login by name and password, by a token, by the address; its renewal
// and its end. `scripts/test` starts the server, whose access tokens the page renews after four seconds.
import assert from "node:assert/strict";
import { test } from "node:test";
import { page, usePages } from "./pages.mjs";
import { drawn } from "./viewer.mjs";

usePages();

const { NOCTIS_URL: BASE, NOCTIS_TEST_PASSWORD: PASSWORD, NOCTIS_TEST_TOKEN: TOKEN } = process.env;
assert.ok(BASE && PASSWORD && TOKEN, "scripts/test sets NOCTIS_URL, NOCTIS_TEST_PASSWORD and NOCTIS_TEST_TOKEN");
/** Access tokens are valid for 6 s here, and renewed 2 s before their end. */
const RENEWED_AFTER_MS = 4_500;

const form = () => page.locator("#sign-in");
const studies = (of = page) => of.locator(".study").first();

async function signIn(password = PASSWORD) {
  await page.goto(`${BASE}/`);
  await form().waitFor();
  await page.getByLabel("User").fill("ada");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Draws a picture, whose request carries a token of its own. */
async function draw(of = page) {
  await of.locator(".series").first().click();
  await drawn(of);
}

test("a person signs in, sees pictures, and signs out again", async () => {
  await signIn();
  await studies().waitFor();
  assert.equal(await form().isVisible(), false);
  await draw();
  const shown = await page.evaluate(() => JSON.parse(sessionStorage.getItem("noctis-login")).access);
  await page.getByRole("button", { name: "Sign out" }).click();
  await form().waitFor();
  assert.equal(await page.locator(".study").count(), 0);
  assert.equal(await page.evaluate(() => sessionStorage.length + localStorage.length), 0);
  const after = await fetch(`${BASE}/api/v1/dicom/studies`, { headers: { Authorization: `Bearer ${shown}` } });
  assert.equal(after.status, 401, "the server has ended it, too");
});

test("a wrong password is told in words and keeps nobody from trying again", async () => {
  await signIn("wrong horse battery");
  await page.getByText("No account has this name and secret.").waitFor();
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await studies().waitFor();
});

test("a token is taken from the address, and is in it no more", async () => {
  await page.goto(`${BASE}/#access_token=${TOKEN}`);
  await studies().waitFor();
  assert.doesNotMatch(page.url(), /access_token/);
  await page.goBack().catch(() => null);
  assert.doesNotMatch(page.url(), /access_token/, "nor in the history");
});

test("a token that is typed in lets in, and one that is none does not", async () => {
  await page.goto(`${BASE}/`);
  await page.getByText("With a token").click();
  await page.getByLabel("Access token").fill("let.me.in");
  await page.getByRole("button", { name: "Sign in" }).click();
  await form().waitFor();
  await page.getByLabel("Access token").fill(TOKEN);
  await page.getByRole("button", { name: "Sign in" }).click();
  await studies().waitFor();
});

test("a login is renewed by itself, and two tabs of one login renew it in turn", async () => {
  await signIn();
  await studies().waitFor();
  const login = await page.evaluate(() => sessionStorage.getItem("noctis-login"));
  const other = await page.context().newPage();
  await other.addInitScript((copied) => {
    // As a tab that was duplicated.
    if (!sessionStorage.length) sessionStorage.setItem("noctis-login", copied);
  }, login);
  await other.goto(`${BASE}/`);
  await studies(other).waitFor();
  await page.waitForTimeout(RENEWED_AFTER_MS);
  await Promise.all([page, other].map((tab) => tab.locator("#refresh").click()));
  await Promise.all([page, other].map((tab) => draw(tab)));
  const tokens = await Promise.all([page, other].map((tab) => tab.evaluate(() => sessionStorage.getItem("noctis-login"))));
  assert.notEqual(tokens[0], login, "it was renewed");
  assert.equal(tokens[0], tokens[1], "once, for both");
  for (const tab of [page, other]) assert.equal(await tab.locator("#sign-in").isVisible(), false);
});

/** A link to what `body` names, made by the script's token. */
async function share(body) {
  const headers = { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" };
  const answer = await fetch(`${BASE}/api/v1/share`, { method: "POST", headers, body: JSON.stringify(body) });
  assert.equal(answer.status, 201);
  return answer.json();
}

const asked = async (path) =>
  (await fetch(`${BASE}/api/v1/${path}`, { headers: { Authorization: `Bearer ${TOKEN}` } })).json();

test("a link opens what it is of, without a login, and stays open when the page is loaded again", async () => {
  const study = (await asked("dicom/studies")).studies[0];
  const { url } = await share({ study_id: study.study_id });
  await page.goto(`${BASE}${url}`);
  await page.locator(".series").first().waitFor();
  assert.equal(await page.locator(".study").count(), 1);
  for (const name of ["Add files", "Delete…", "Download"]) assert.ok(await page.getByRole("button", { name }).isHidden(), name);
  await draw();
  await page.reload();
  await page.locator(".series").first().waitFor();
  assert.equal(await form().isVisible(), false);
});

test("a link to a series shows its slices and nothing of the study around it", async () => {
  const study = (await asked("dicom/studies")).studies[0];
  const series = (await asked(`dicom/studies/${study.study_id}/series`)).series.find(({ modality }) => modality === "CT");
  const { url, share_id } = await share({ series_id: series.series_id });
  await page.goto(`${BASE}${url}`);
  await drawn(page);
  assert.equal(await page.locator(".study").count(), 0);
  assert.equal(await page.locator("#slider").getAttribute("max"), String(series.image_count));
  const headers = { Authorization: `Bearer ${TOKEN}` };
  assert.equal((await fetch(`${BASE}/api/v1/share/${share_id}`, { method: "DELETE", headers })).status, 204);
  await page.reload();
  await page.getByText("The link is none, or no longer").waitFor();
  assert.equal(await form().isVisible(), false, "there is nobody to log in");
});

test("the state of the machine is for who may administer, and asks for a login before", async () => {
  await page.goto(`${BASE}/machine`);
  await page.getByRole("alert").filter({ hasText: "Sign in on the page of studies" }).waitFor();
  assert.equal(await page.locator("#machine").isVisible(), false);
  await signIn();
  await studies().waitFor();
  await page.getByRole("link", { name: "State of the machine" }).click();
  await page.getByRole("alert").filter({ hasText: "admin" }).waitFor();
  assert.equal(await page.locator("#machine").isVisible(), false);
});
