// Grey PNG of 16 bits a sample (RFC 2083): a browser's own decoder keeps 8 of them.
// What this server writes, and nothing else: no palette, no colour, no interlacing.

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const PIXELS_MAX = 64 * 1024 * 1024;
const BYTES_PER_PIXEL = 2;

/** `{rows, columns, samples}`, row-major, of the bytes of a file; throws where they are not one that is whole. */
export async function decodePng16(bytes) {
  const { rows, columns, packed } = read(bytes);
  const stride = 1 + columns * BYTES_PER_PIXEL;
  const room = roomFor(rows * stride);
  const lines = await inflate(packed, room.subarray(0, rows * stride));
  unfilter(lines, rows, stride);
  const samples = samplesOf(lines, rows, columns);
  spare = room;
  return { rows, columns, samples };
}

/** Where the lines of the picture before lay: those of a series have one size, and a thousand of them are much to clear away. */
let spare = new Uint8Array(0);

function roomFor(length) {
  const room = spare.length >= length ? spare : new Uint8Array(length);
  spare = new Uint8Array(0);
  return room;
}

/** The size, and what the IDAT chunks hold together. */
function read(bytes) {
  if (!SIGNATURE.every((byte, at) => bytes[at] === byte)) throw new Error("it is no PNG");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const packed = [];
  let size = null;
  for (let at = SIGNATURE.length; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (body.length < length) break;
    if (name === "IHDR") size = sizeOf(view, at + 8, length);
    if (name === "IDAT") packed.push(body);
    if (name === "IEND" && size && packed.length) return { ...size, packed };
    at += 12 + length;
  }
  throw new Error("the PNG is not whole");
}

function sizeOf(view, at, length) {
  if (length !== 13) throw new Error("the PNG has no size");
  const [columns, rows] = [view.getUint32(at), view.getUint32(at + 4)];
  const [depth, colour, , , interlacing] = [8, 9, 10, 11, 12].map((offset) => view.getUint8(at + offset));
  if (depth !== 16 || colour !== 0 || interlacing !== 0) throw new Error("the PNG is not of 16 bits of grey");
  if (!rows || !columns || rows * columns > PIXELS_MAX) throw new Error("the PNG is too large");
  return { rows, columns };
}

/** Fills `bytes` to the last one; the checksum of the zlib stream (RFC 1950) is held against them. */
async function inflate(pieces, bytes) {
  const { writable, readable } = new DecompressionStream("deflate");
  const [writer, reader] = [writable.getWriter(), readable.getReader()];
  // What is wrong with them the reader is told, too. A blob would go through another process: twice the time.
  const ignored = () => {};
  for (const piece of pieces) writer.write(piece).catch(ignored);
  writer.close().catch(ignored);
  const { length } = bytes;
  let filled = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (filled + value.length > length) {
      reader.cancel().catch(ignored);
      throw new Error("the PNG holds more than its size");
    }
    bytes.set(value, filled);
    filled += value.length;
  }
  if (filled < length) throw new Error("the PNG holds less than its size");
  return bytes;
}

/** Undoes the filter of each line, in place (RFC 2083 6). Before the first line is a line of zeros. */
function unfilter(lines, rows, stride) {
  let above = new Uint8Array(stride);
  for (let row = 0; row < rows; row += 1) {
    const line = lines.subarray(row * stride, (row + 1) * stride);
    const undo = FILTERS[line[0]];
    if (!undo) throw new Error("the PNG has a filter that there is not");
    undo(line, above);
    above = line;
  }
}

// The first byte of a line is its filter; the first pixel has zeros to its left.
const FIRST = 1 + BYTES_PER_PIXEL;
const FILTERS = [
  () => {},
  function sub(line) {
    for (let at = FIRST; at < line.length; at += 1) line[at] += line[at - BYTES_PER_PIXEL];
  },
  function up(line, above) {
    for (let at = 1; at < line.length; at += 1) line[at] += above[at];
  },
  function average(line, above) {
    for (let at = 1; at < FIRST; at += 1) line[at] += above[at] >> 1;
    for (let at = FIRST; at < line.length; at += 1) line[at] += (line[at - BYTES_PER_PIXEL] + above[at]) >> 1;
  },
  function paeth(line, above) {
    for (let at = 1; at < FIRST; at += 1) line[at] += above[at];
    for (let at = FIRST; at < line.length; at += 1) {
      const [left, up, corner] = [line[at - BYTES_PER_PIXEL], above[at], above[at - BYTES_PER_PIXEL]];
      const toLeft = Math.abs(up - corner);
      const toUp = Math.abs(left - corner);
      const toCorner = Math.abs(left + up - 2 * corner);
      line[at] += toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
    }
  },
];

/** The samples lie with their high byte first, behind the filter of their line. */
function samplesOf(lines, rows, columns) {
  const samples = new Uint16Array(rows * columns);
  let from = 0;
  for (let at = 0; at < samples.length;) {
    from += 1;
    for (const end = at + columns; at < end; at += 1, from += BYTES_PER_PIXEL) {
      samples[at] = (lines[from] << 8) | lines[from + 1];
    }
  }
  return samples;
}
