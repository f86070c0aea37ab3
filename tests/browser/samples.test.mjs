// What the viewer does with bytes and headers before it draws: the modules of the page, in a browser, one by one.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { deflateSync } from "node:zlib";
import { launch } from "./browser.mjs";
import { BASE } from "./viewer.mjs";

let browser;
let page;

before(async () => {
  browser = await launch();
  page = await browser.newPage();
  await page.goto(`${BASE}/`);
});

after(() => browser?.close());

const [ROWS, COLUMNS] = [7, 5];
const sample = (row, column) => (row * 9_973 + column * 31_337 + row * row * column * 977) % 65_536;
const SAMPLES = Array.from({ length: ROWS * COLUMNS }, (_, at) => sample(Math.floor(at / COLUMNS), at % COLUMNS));

const paeth = (a, b, c) => [a, b, c].reduce((best, one) => (Math.abs(a + b - c - one) < Math.abs(a + b - c - best) ? one : best));
const PREDICTED = [() => 0, (a) => a, (a, b) => b, (a, b) => Math.floor((a + b) / 2), paeth];

function chunk(name, body) {
  const named = Buffer.concat([Buffer.from(name, "latin1"), body]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  // Nobody reads the sum of a chunk: that of what is packed covers it.
  return Buffer.concat([length, named, Buffer.alloc(4)]);
}

/** A PNG of the samples, each line with the filter that `filterOf` gives it. */
function png(filterOf, { depth = 16, colour = 0, interlacing = 0, lines = ROWS, spoil = (packed) => packed } = {}) {
  const byteAt = (row, at) => (row < 0 || at < 0 ? 0 : at % 2 ? SAMPLES[row * COLUMNS + (at >> 1)] & 255 : SAMPLES[row * COLUMNS + (at >> 1)] >> 8);
  const filtered = Array.from({ length: lines }, (_, row) => [filterOf(row), ...Array.from({ length: COLUMNS * 2 }, (__, at) =>
    (byteAt(row, at) - (PREDICTED[filterOf(row)] ?? PREDICTED[0])(byteAt(row, at - 2), byteAt(row - 1, at), at < 2 ? 0 : byteAt(row - 1, at - 2))) & 255)]).flat();
  const head = Buffer.alloc(13);
  head.writeUInt32BE(COLUMNS, 0);
  head.writeUInt32BE(ROWS, 4);
  head.set([depth, colour, 0, 0, interlacing], 8);
  const packed = spoil(deflateSync(Buffer.from(filtered)));
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), chunk("IHDR", head),
    // In two, as encoders may.
    chunk("IDAT", packed.subarray(0, 20)), chunk("IDAT", packed.subarray(20)), chunk("IEND", Buffer.alloc(0))]);
}

const decode = (bytes) => page.evaluate(async (numbers) => {
  const { decodePng16 } = await import("/page/png16.js");
  return decodePng16(Uint8Array.from(numbers)).then(
    ({ rows, columns, samples }) => ({ rows, columns, samples: [...samples] }), (error) => error.message ?? String(error));
}, [...bytes]);

test("every filter of a PNG is undone, alone and mixed", async () => {
  for (const filterOf of [() => 0, () => 1, () => 2, () => 3, () => 4, (row) => row % 5, (row) => 4 - (row % 5)]) {
    assert.deepEqual(await decode(png(filterOf)), { rows: ROWS, columns: COLUMNS, samples: SAMPLES });
  }
});

test("a PNG that is not whole, or another, is refused", async () => {
  const whole = png(() => 4);
  const flipped = (packed) => Buffer.from(packed.map((byte, at) => (at === packed.length - 1 ? byte ^ 1 : byte)));
  const cases = {
    "no signature": Buffer.concat([Buffer.from("GIF89a"), whole]),
    "8 bits": png(() => 0, { depth: 8 }),
    colour: png(() => 0, { colour: 2 }),
    interlaced: png(() => 0, { interlacing: 1 }),
    "a line too few": png(() => 0, { lines: ROWS - 1 }),
    "an unknown filter": png((row) => (row === 3 ? 7 : 0)),
    "cut off": whole.subarray(0, whole.length - 30),
    "another checksum": png(() => 0, { spoil: flipped }),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    const answer = await decode(bytes);
    assert.equal(typeof answer, "string", `${name} was taken`);
  }
});

test("parts come whole, however the bytes are cut", async () => {
  const bodies = ["first", "", "\r\n--no boundary\r\n\r\n", "x".repeat(70_000)];
  const text = `${bodies.map((body, nth) => `--b0\r\nContent-Type: a/b\r\nContent-Length: ${body.length}\r\nX-Frame: ${nth + 1}\r\n\r\n${body}\r\n`).join("")}--b0--\r\n`;
  for (const size of [1, 7, 64, 5_000, text.length]) {
    const parts = await page.evaluate(async ({ text, size }) => {
      const { Parts } = await import("/page/multipart.js");
      const parts = new Parts('multipart/mixed; boundary="b0"');
      const bytes = new TextEncoder().encode(text);
      const found = [];
      for (let at = 0; at < bytes.length; at += size) {
        for (const { fields, body } of parts.push(bytes.slice(at, at + size))) found.push([fields.get("x-frame"), new TextDecoder().decode(body)]);
      }
      return found;
    }, { text, size });
    assert.deepEqual(parts, bodies.map((body, nth) => [String(nth + 1), body]), `in pieces of ${size}`);
  }
});

test("parts without a length, and heads without an end, are refused", async () => {
  for (const text of ["--b0\r\nX-Frame: 1\r\n\r\nbody", "--b0\r\nContent-Length: -1\r\n\r\n", `--b0\r\nX: ${"y".repeat(20_000)}`]) {
    const answer = await page.evaluate(async (text) => {
      const { Parts } = await import("/page/multipart.js");
      try {
        return [...new Parts("multipart/mixed; boundary=b0").push(new TextEncoder().encode(text))].length;
      } catch (error) {
        return error.message;
      }
    }, text);
    assert.equal(typeof answer, "string", `${text.slice(0, 40)} was taken`);
  }
});

const value = (...values) => ({ vr: "XX", Value: values });
const PLAIN = {
  "00280002": value(1), "00280004": value("MONOCHROME2"), "00280010": value(ROWS), "00280011": value(COLUMNS), "00280100": value(16),
  "00280101": value(12), "00280103": value(0), "00281050": value("40", "-600"), "00281051": value("400", "1500"),
};
const grey = (header, frame = 1) => page.evaluate(async ({ header, frame }) => (await import("/page/grey.js")).greyOf(header, frame), { header, frame });
const view = (header, slice) => page.evaluate(async ({ header, slice }) => {
  const { fileView, greyOf } = await import("/page/grey.js");
  return fileView(greyOf(header, 1), { slope: 1, offset: 0, samples: Uint16Array.from([0, 10, 100, 4_095]), ...slice });
}, { header, slice });

test("what the page cannot draw as the renderer does is the server's", async () => {
  assert.ok(await grey(PLAIN));
  const others = {
    "a colour": { "00280004": value("RGB") }, palette: { "00280004": value("PALETTE COLOR") }, "three samples": { "00280002": value(3) },
    "32 bits": { "00280100": value(32) }, "one bit": { "00280100": value(1) }, overlay: { "60023000": { vr: "OW" } },
    "Presentation LUT": { "20500010": value({}) }, "colours over the grey": { "00281101": value(256, 0, 16) },
    labels: { "00620001": value("LABELMAP") }, "frames that are not told": { "52009230": { vr: "SQ", BulkDataURI: "x" } },
  };
  for (const [name, attributes] of Object.entries(others)) assert.equal(await grey({ ...PLAIN, ...attributes }), null, name);
});

test("the first valid window of the nearest place is the file's own, with its function", async () => {
  const own = async (header) => {
    const { window, level, function: name } = await view(header, {});
    return [window, level, name];
  };
  assert.deepEqual(await own(PLAIN), [400, 40, "linear"]);
  assert.deepEqual(await own({ ...PLAIN, "00281051": value("0.5", "1500") }), [1500, -600, "linear"], "LINEAR is 1 wide at least");
  assert.deepEqual(await own({ ...PLAIN, "00281051": value("0.5", "1500"), "00281056": value("SIGMOID") }), [0.5, 40, "sigmoid"]);
  const group = (width) => ({ "00289132": value({ "00281050": value(7), "00281051": value(width) }) });
  assert.deepEqual(await own({ ...PLAIN, "52009229": value(group(20)) }), [20, 7, "linear"]);
  assert.deepEqual(await own({ ...PLAIN, "52009229": value(group(20)), "52009230": value(group(30)) }), [30, 7, "linear"]);
});

test("a frame without a window is seen by its range without padding, or as it is where it has 8 bits", async () => {
  const { "00281050": center, "00281051": width, ...bare } = PLAIN;
  assert.deepEqual(await view(bare, {}), { window: 4_096, level: 2_048, function: "linear", padding: null });
  assert.deepEqual(await view({ ...bare, "00280120": value(4_095) }, {}), { window: 101, level: 50.5, function: "linear", padding: [4_095, 4_095] });
  assert.deepEqual(await view({ ...bare, "00280100": value(8), "00280101": value(8) }, {}), { window: 256, level: 128, function: "linear", padding: null });
  assert.equal(await view({ ...bare, "00283010": value({}) }, {}), null, "a VOI LUT");
  assert.deepEqual(await view(bare, { slope: 2 ** -13 }), { window: 4_095 / 8_192, level: 4_095 / 16_384, function: "linear_exact", padding: null });
});

test("padding is found among samples that were raised, and is the server's where nobody can tell", async () => {
  const padded = { ...PLAIN, "00280103": value(1), "00280120": value(-2_000), "00281052": value("-1024"), "00281053": value("1") };
  assert.deepEqual((await view(padded, { offset: -1_024 - 32_768 })).padding, [30_768, 30_768]);
  assert.deepEqual((await view({ ...padded, "00280120": value(63_536) }, { offset: -1_024 - 32_768 })).padding, [30_768, 30_768], "written as US");
  assert.equal(await view(padded, { offset: -1_000 }), null);
  assert.equal(await view({ ...padded, "00283000": value({}) }, {}), null, "a Modality LUT");
});

test("an axial stack is walked from head to feet, phase after phase, and others as they come", async () => {
  const AXIAL = [1, 0, 0, 0, 1, 0];
  const image = (z, cosines = AXIAL) => ({ image_position: [0, 0, z], image_orientation: cosines, frame_count: 1 });
  const walked = (images) => page.evaluate(async (images) =>
    (await import("/page/places.js")).placesOf(images).map(({ position, index }) => [position, index]), images);
  const positions = async (images) => (await walked(images)).map(([position]) => position);
  assert.deepEqual(await walked([image(1), image(2), image(3)]), [[3, 0], [2, 1], [1, 2]]);
  assert.deepEqual(await positions([image(3), image(2), image(1)]), [1, 2, 3]);
  assert.deepEqual(await positions([image(1), image(2), image(1), image(2)]), [2, 1, 4, 3]);
  const SAGITTAL = [0, 1, 0, 0, 0, -1];
  assert.deepEqual(await positions([image(1, SAGITTAL), image(2, SAGITTAL)]), [1, 2]);
  assert.deepEqual(await positions([{ frame_count: 3 }]), [1, 2, 3]);
});
