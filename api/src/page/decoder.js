// A worker: bytes of a stream of pictures in, samples out, so that decoding never holds up a hand on the picture.
// The page sends `{stream, contentType}`, then `{stream, chunk}` one by one, each after `{stream, isTaken}` of the one before, then
// `{stream, isLast}`. It gets `{stream, slice}` for each picture, and at the end `{stream, isEnded}` with `error` where it failed.

import { Parts } from "./multipart.js";
import { decodePng16 } from "./png16.js";

/** The stream that is read; messages of one before it are late. */
let current = { stream: 0, parts: null };
let work = Promise.resolve();

addEventListener("message", ({ data }) => {
  work = work.then(() => take(data)).catch((error) => {
    if (data.stream === current.stream) current.parts = null;
    postMessage({ stream: data.stream, isEnded: true, error: error.message });
  });
});

async function take({ stream, contentType, chunk, isLast }) {
  if (contentType) current = { stream, parts: new Parts(contentType) };
  if (stream !== current.stream || !current.parts) return;
  if (isLast) postMessage({ stream, isEnded: true });
  if (!chunk) return;
  for (const part of current.parts.push(chunk)) {
    const slice = await sliceOf(part);
    postMessage({ stream, slice }, slice.samples ? [slice.samples.buffer] : []);
  }
  postMessage({ stream, isTaken: true });
}

/** `{imageId, frame}` and the picture; without one where the server has none, or this page cannot read it. */
async function sliceOf({ fields, body }) {
  const slice = { imageId: fields.get("x-image-id"), frame: Number(fields.get("x-frame")) };
  const [slope, offset] = (fields.get("x-pixel-scale") ?? "").split(",").map(Number);
  const isWhole = fields.get("content-type") === "image/png" && !fields.has("x-render-integrity");
  if (!isWhole || !Number.isFinite(slope) || !Number.isFinite(offset)) return slice;
  try {
    return { ...slice, slope, offset, ...await decodePng16(body) };
  } catch {
    // The server draws it instead.
    return slice;
  }
}
