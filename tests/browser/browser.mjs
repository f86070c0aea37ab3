// The browser that the tests drive: Debian's chromium, or the one that NOCTIS_CHROMIUM names.
import { chromium } from "playwright-core";

export const DEADLINE_MS = 15_000;
export const VIEWPORT = { width: 1360, height: 860 };

export const launch = () => chromium.launch({
  executablePath: process.env.NOCTIS_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
});
