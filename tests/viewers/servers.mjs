// The servers of a test: the files of a viewer as any web server has them, and Noctis, which lets its pages in.
import { spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";

const START_MS_MAX = 300_000;
const TYPES = {
  ".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".json": "application/json", ".svg": "image/svg+xml", ".wasm": "application/wasm",
};
// A page that shares memory with its workers has to be apart from others; what it loads from elsewhere must say that it may be.
const APART = {
  "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp", "Cross-Origin-Resource-Policy": "same-origin",
};

/** Serves the files below `root`, its index for what is none, and `/app-config.js` as `config()` has it. */
export async function servePages(root, config) {
  const server = http.createServer((request, response) => {
    const name = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    if (name === "/app-config.js") {
      response.writeHead(200, { ...APART, "Content-Type": TYPES[".js"] });
      response.end(config());
      return;
    }
    const asked = path.join(root, path.normalize(name));
    const file = fs.statSync(asked, { throwIfNoEntry: false })?.isFile() ? asked : path.join(root, "index.html");
    response.writeHead(200, { ...APART, "Content-Type": TYPES[path.extname(file)] ?? "application/octet-stream" });
    fs.createReadStream(file).pipe(response);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

// No setting of whoever runs the tests.
const withoutSettings = () => Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("NOCTIS")));

/** Starts `noctis serve` with these arguments, for pages of `origin`; waits until it has indexed its paths. */
export async function serveNoctis(origin, data, ...args) {
  const child = spawn(process.env.NOCTIS, ["serve", "--listen", "127.0.0.1:0", "--data", data, ...args], {
    env: { ...withoutSettings(), NOCTIS_CORS_ORIGINS: origin, NOCTIS_RATE_LIMIT: "off", NOCTIS_LOG: "error" }, stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "", url;
  const ready = new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`noctis is not ready: ${said}`)), START_MS_MAX);
    const fail = (error) => {
      clearTimeout(late);
      reject(new Error(`noctis ended early: ${error?.message ?? said}`));
    };
    child.once("error", fail);
    child.once("exit", () => fail());
    child.stderr.on("data", (text) => {
      said = (said + text).slice(-2000);
    });
    child.stdout.on("data", (text) => {
      url ??= /^listening on (\S+)/m.exec(text)?.[1];
      // Without a path nothing is indexed.
      if (url && (args.length === 0 || /^indexed /m.test(text))) {
        clearTimeout(late);
        resolve(url);
      }
    });
  });
  url = await ready;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  return { url, stop: () => (child.kill("SIGTERM"), ended) };
}
