// Asking the server: answers, pictures with their timing, and problems in its own words.

import { isLinked, linked } from "./link.js";
import { anotherThan, token } from "./login.js";
import { Parts } from "./multipart.js";
import { t } from "./words.js";

const API = "/api/v1";

/** What the server said instead of an answer (RFC 9457), or that there was none. */
export class Problem extends Error {
  /** `body` is the JSON of the answer, if it has any. */
  constructor(status, title, detail, body = {}) {
    super(detail ? `${title}\n${detail}` : title);
    Object.assign(this, { status, body });
  }
}

/** What a page does where the server asks who it is. */
let refused = () => {};
export const onRefused = (does) => { refused = does; };

/** A `path` that begins with a slash is one of the whole server. */
async function send(path, shown, { signal, method = "GET", accept, type, body } = {}) {
  const told = { Authorization: shown && `Bearer ${shown}`, Accept: accept, "Content-Type": type };
  const headers = Object.fromEntries(Object.entries(told).filter(([, value]) => value));
  const address = path.startsWith("/") ? path : `${API}/${path}`;
  try {
    return await fetch(linked(address), { method, headers, signal, body });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, t("server.silent"), t("server.why"));
  }
}

/** `options` are `signal`, `method`, `accept`, and `body` of a media type `type`. */
async function ask(path, options) {
  let shown = isLinked ? null : await token();
  let response = await send(path, shown, options);
  if (response.status === 401 && shown && await anotherThan(shown)) {
    shown = await token();
    response = await send(path, shown, options);
  }
  if (response.ok) return response;
  if (response.status === 401 && !isLinked) refused();
  const body = await response.json().catch(() => ({}));
  throw new Problem(response.status, body.title ?? `HTTP ${response.status}`, body.detail ?? "", body);
}

/** The answer as it comes, for who reads it as it comes. */
export const askStream = (path, signal) => ask(path, { signal });

export const askJson = async (path, signal) => (await ask(path, { signal })).json();
export const askText = async (path) => (await ask(path)).text();
/** What comes alone or in parts (PS3.18 8.6.1.2), as blobs. */
export async function askBlobs(path, accept) {
  const response = await ask(path, { accept });
  const type = response.headers.get("Content-Type");
  if (!type.startsWith("multipart/")) return [await response.blob()];
  const parts = new Parts(type).push(new Uint8Array(await response.arrayBuffer()));
  return Array.from(parts, ({ fields, body }) => new Blob([body], { type: fields.get("content-type") }));
}

/** Stores a file (STOW-RS). */
export const askToStore = (file, signal) =>
  ask("/dicom-web/studies", { method: "POST", accept: "application/dicom+json", type: "application/dicom", body: file, signal });
export const askBlob = async (path, accept) => (await ask(path, { accept })).blob();
export const askToSend = async (path) => (await ask(path, { method: "POST" })).json();
export const askToDelete = async (path) => (await ask(path, { method: "DELETE" })).json();

/** `cache;desc=memory, decode;dur=1.2` as `{source: "memory", stages: [["decode", 1.2]]}`. */
function readTiming(header) {
  const timing = { source: null, stages: [] };
  for (const entry of (header ?? "").split(",")) {
    const [name, ...parameters] = entry.split(";").map((part) => part.trim());
    const value = (key) => parameters.find((p) => p.startsWith(`${key}=`))?.slice(key.length + 1).replaceAll('"', "");
    if (name === "cache") timing.source = value("desc") ?? null;
    else if (value("dur") !== undefined) timing.stages.push([name, Number(value("dur"))]);
  }
  return timing;
}

export async function askPicture(path, signal) {
  const start = performance.now();
  const response = await ask(path, { signal });
  const blob = await response.blob();
  const url = URL.createObjectURL(blob);
  const timing = readTiming(response.headers.get("Server-Timing"));
  return { url, bytes: blob.size, timing, trip: performance.now() - start, shownBefore: false };
}

/** Shows a picture in an element. */
export async function showIn(image, path) {
  const { url } = await askPicture(path);
  image.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
  image.src = url;
}
