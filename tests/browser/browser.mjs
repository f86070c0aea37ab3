// The browser that the tests drive: Debian's chromium, or the one that NOCTIS_CHROMIUM names.
// NOCTIS_TEST_PAGE names a folder (api/src/page) whose files are taken for those of the server: a change of the page is tried without a build.
import fs from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

export const DEADLINE_MS = 15_000;
export const VIEWPORT = { width: 1360, height: 860 };
const TYPES = { ".js": "text/javascript", ".css": "text/css", ".html": "text/html" };

export async function launch() {
  const browser = await chromium.launch({
    executablePath: process.env.NOCTIS_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
  });
  if (process.env.NOCTIS_TEST_PAGE) takePagesFrom(process.env.NOCTIS_TEST_PAGE, browser);
  return browser;
}

function takePagesFrom(folder, browser) {
  for (const opens of ["newPage", "newContext"]) {
    const open = browser[opens].bind(browser);
    browser[opens] = async (options) => {
      const opened = await open(options);
      const context = opens === "newPage" ? opened.context() : opened;
      await context.route(/^http:\/\/[^/]+\/(machine|page\/[^/?]+)?(\?|#|$)/, async (route) => {
        const name = new URL(route.request().url()).pathname.replace("/page/", "/").replace(/^\/$/, "/index.html").replace(/^\/machine$/, "/machine.html");
        const file = path.join(folder, name);
        if (!fs.existsSync(file)) return route.continue();
        const body = fs.readFileSync(file);
        // Whatever else the server says of its page holds for this one, too.
        const { headers } = await fetch(new URL("/", route.request().url()));
        await route.fulfill({ body, headers: { ...Object.fromEntries(headers), "content-length": String(body.length), "content-type": TYPES[path.extname(name)] } });
      });
      return opened;
    };
  }
}
