// A worker: bytes of a stream of pictures in, samples out, so that decoding never holds up a hand on the picture.
// The page sends `{stream, contentType}`, then `{stream, chunk}` one by one, each after `{stream, isTaken}` of the one before, then
// `{stream, isLast}`. It gets `{stream, slice}` for each picture, and at the end `{stream, isEnded}` with `error` where it failed.

import { Parts } from "./multipart.js";
import { decodePng16 } from "./png16.js";

const BARE = "application/octet-stream";
const BYTES_PER_PIXEL = 2;

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
  const type = fields.get("content-type");
  const isWhole = [BARE, "image/png"].includes(type) && !fields.has("x-render-integrity");
  if (!isWhole || !Number.isFinite(slope) || !Number.isFinite(offset)) return slice;
  try {
    return { ...slice, slope, offset, ...type === BARE ? bare(fields, body) : await decodePng16(body) };
  } catch {
    // The server draws it instead.
    return slice;
  }
}

/** Samples in no file, with their low byte first, as the machines of browsers have it (`stack.js` asks no other for them). */
function bare(fields, body) {
  const [rows, columns] = [Number(fields.get("x-rows")), Number(fields.get("x-columns"))];
  if (!rows || body.length !== rows * columns * BYTES_PER_PIXEL) throw new Error("the samples are not whole");
  return { rows, columns, samples: new Uint16Array(body.buffer, body.byteOffset, rows * columns) };
}
