// Planes through volumes whose values follow a formula: every pixel of a plane is known, and so is where in the patient it lies.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { ROOT, element, file } from "../dicom.mjs";
import { DEADLINE_MS } from "./browser.mjs";
import { key, nextFrame, page, usePages } from "./pages.mjs";
import { BASE, CT_SERIES, DEMO_PATIENT, openIn, remove, store } from "./viewer.mjs";

usePages();

const STUDY = `${ROOT}.41`;
const PATIENT = "Volumes, Made";
const [COLUMNS, ROWS, SPACING] = [40, 32, 1.5];
const ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1";
const [WINDOW, LEVEL] = [1200, 500];
const AXIAL = [1, 0, 0, 0, 1, 0];
const SAGITTAL = [0, 1, 0, 0, 0, -1];
const [AXIAL_PANE, CORONAL_PANE, SAGITTAL_PANE, SERIES_PANE] = [0, 1, 2, 3];
/** Right and down on the screen, in the patient: to the left, to the back, to the head. */
const SEEN = [[[1, 0, 0], [0, 1, 0]], [[1, 0, 0], [0, 0, -1]], [[0, 1, 0], [0, 0, -1]]];
/** Rounding of stored values and of levels. */
const LEVELS_APART_MAX = 1;

/** Falls in no direction: another axis, or its other way, has other values everywhere. */
const SLOPES = [8, 6, 10];
const linear = ([x, y, z]) => LEVEL + SLOPES[0] * x + SLOPES[1] * y + SLOPES[2] * z;
const along = (way) => SLOPES.reduce((sum, slope, axis) => sum + slope * way[axis], 0);
const add = (one, other, times = 1) => one.map((value, axis) => value + other[axis] * times);
const evenly = (count, gap, from = -16) => Array.from({ length: count }, (_, nth) => [-30, -24, from + nth * gap]);

/** Addresses that the page asked for. */
let asked;

/** Files of a series; `slices` are positions, or more that differs from slice to slice. */
function seriesOf(number, name, slices, shared = {}) {
  return slices.map((one, nth) => {
    const { position, ...own } = Array.isArray(one) ? { position: one } : one;
    const { rows = ROWS, columns = COLUMNS, spacing = SPACING, orientation = AXIAL, value = linear, slope = 1, padding } = { ...shared, ...own };
    const stored = new Int16Array(rows * columns);
    for (let at = 0; at < stored.length; at += 1) {
      const [row, column] = [Math.floor(at / columns), at % columns];
      const place = add(add(position, orientation.slice(0, 3), column * spacing), orientation.slice(3), row * spacing);
      stored[at] = Math.round((value(place, nth) + 1024) / slope);
    }
    const uids = { study: STUDY, series: `${STUDY}.${number}`, instance: `${STUDY}.${number}.${nth + 1}`, number: nth + 1, patient: "Volumes^Made" };
    return file(uids, [
      element(8, 0x103e, "LO", name), element(0x20, 0x11, "IS", String(number)),
      element(0x20, 0x32, "DS", position.map((value) => value.toFixed(4)).join("\\")), element(0x20, 0x37, "DS", orientation.join("\\")),
      element(0x20, 0x52, "UI", `${STUDY}.9`), element(0x28, 2, "US", 1), element(0x28, 4, "CS", "MONOCHROME2"), element(0x28, 0x10, "US", rows),
      element(0x28, 0x11, "US", columns), element(0x28, 0x30, "DS", `${spacing}\\${spacing}`), element(0x28, 0x100, "US", 16), element(0x28, 0x101, "US", 16),
      element(0x28, 0x102, "US", 15), element(0x28, 0x103, "US", 1), element(0x28, 0x1050, "DS", String(LEVEL)), element(0x28, 0x1051, "DS", String(WINDOW)),
      element(0x28, 0x1052, "DS", "-1024"), element(0x28, 0x1053, "DS", String(slope)), element(0x7fe0, 0x10, "OW", Buffer.from(stored.buffer)),
      ...(padding === undefined ? [] : [element(0x28, 0x120, "SS", Buffer.from(Int16Array.of(padding).buffer))]),
    ]);
  });
}

/** All slices as frames of one file, which says where each lies in its functional groups. */
function framesOf(number, name, positions) {
  const stored = new Int16Array(ROWS * COLUMNS * positions.length);
  for (let at = 0; at < stored.length; at += 1) {
    const [nth, row, column] = [Math.floor(at / ROWS / COLUMNS), Math.floor(at / COLUMNS) % ROWS, at % COLUMNS];
    const [x, y, z] = positions[nth];
    stored[at] = Math.round(linear([x + column * SPACING, y + row * SPACING, z]) + 1024);
  }
  const uids = { sopClass: ENHANCED_CT, study: STUDY, series: `${STUDY}.${number}`, instance: `${STUDY}.${number}.1`, patient: "Volumes^Made" };
  const shared = [
    element(0x20, 0x9116, "SQ", [[element(0x20, 0x37, "DS", AXIAL.join("\\"))]]),
    element(0x28, 0x9110, "SQ", [[element(0x28, 0x30, "DS", `${SPACING}\\${SPACING}`)]]),
    element(0x28, 0x9132, "SQ", [[element(0x28, 0x1050, "DS", String(LEVEL)), element(0x28, 0x1051, "DS", String(WINDOW))]]),
    element(0x28, 0x9145, "SQ", [[element(0x28, 0x1052, "DS", "-1024"), element(0x28, 0x1053, "DS", "1"), element(0x28, 0x1054, "LO", "HU")]]),
  ];
  const own = positions.map((position) => [element(0x20, 0x9113, "SQ", [[element(0x20, 0x32, "DS", position.join("\\"))]])]);
  return [file(uids, [
    element(8, 0x103e, "LO", name), element(0x20, 0x11, "IS", String(number)), element(0x20, 0x52, "UI", `${STUDY}.9`), element(0x28, 2, "US", 1),
    element(0x28, 4, "CS", "MONOCHROME2"), element(0x28, 8, "IS", String(positions.length)), element(0x28, 0x10, "US", ROWS), element(0x28, 0x11, "US", COLUMNS),
    element(0x28, 0x100, "US", 16), element(0x28, 0x101, "US", 16), element(0x28, 0x102, "US", 15), element(0x28, 0x103, "US", 1),
    element(0x5200, 0x9229, "SQ", [shared]), element(0x5200, 0x9230, "SQ", own), element(0x7fe0, 0x10, "OW", Buffer.from(stored.buffer)),
  ])];
}

const SPOT = { column: 30, row: 9, slice: 2 };
const tilted = evenly(9, 4).map(([x, y, z]) => [x, y + (z + 16) * Math.tan(Math.PI / 12), z]);
const SERIES = [
  ["Linear", evenly(9, 4)],
  ["Uneven", [-16, -12, -9, -4, 0, 3, 8].map((z) => [-30, -24, z])],
  ["Tilted", tilted],
  ["Sagittal", Array.from({ length: 10 }, (_, nth) => [-13.5 + nth * 3, -24, 20]), { orientation: SAGITTAL }],
  ["From the head", evenly(9, 4).map(([x, , z]) => [x, 22.5, z]), { orientation: [1, 0, 0, 0, -1, 0] }],
  ["Scales", evenly(9, 4).map((position, nth) => ({ position, slope: 0.5 + nth / 8 }))],
  ["Spot", evenly(9, 4), {
    value: ([x, y], nth) => (nth === SPOT.slice && x === -30 + SPOT.column * SPACING && y === -24 + SPOT.row * SPACING ? 1100 : -100),
  }],
  ["Askew point", tilted, {
    value: ([x, y], nth) => (nth === SPOT.slice && x === -30 + SPOT.column * SPACING && y === tilted[nth][1] + SPOT.row * SPACING ? 1100 : -100),
  }],
  // The front half of every slice, and the whole of every other one, stand for nothing.
  ["Padded", evenly(9, 4), { value: ([, y], nth) => (y < 0 || nth % 2 ? -3024 : 800), padding: -2000 }],
  ["Two", evenly(2, 4)],
  ["Phases", [...evenly(5, 4), ...evenly(5, 4)]],
  ["Turned", [...evenly(4, 4), { position: [-30, -24, 0], orientation: SAGITTAL }]],
  ["Sizes", [...evenly(4, 4), { position: [-30, -24, 0], rows: ROWS + 2 }]],
  ["Spacings", [...evenly(4, 4), { position: [-30, -24, 0], spacing: 1.4 }]],
  ["Gap", [...evenly(5, 4), [-30, -24, 40]]],
];

before(async () => {
  const bodies = SERIES.flatMap(([name, slices, shared], nth) => seriesOf(nth + 1, name, slices, shared));
  await store([...bodies, ...framesOf(SERIES.length + 1, "Frames", evenly(9, 4))]);
});

after(() => remove(STUDY));

beforeEach(async () => {
  asked = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("pageerror", (error) => assert.fail(error));
});

const stage = (nth) => page.locator(".stage:visible").nth(nth);
const part = (nth, name) => stage(nth).locator(`[data-part=${name}]`);
const text = (nth, name) => part(nth, name).textContent();
const shown = (nth) => part(nth, "canvas").getAttribute("data-shown");
/** Which plane is shown, from 1. */
const at = async (nth) => Number((await shown(nth)).split("/")[1]);
const atAll = async () => [await at(0), await at(1), await at(2)];

async function cut(slab, projection = "mean") {
  await page.locator("#slab").selectOption(slab);
  await page.locator("#projection").selectOption(projection);
  await nextFrame();
}

async function openSeries(name, query = "") {
  await page.goto(`${BASE}/${query}`);
  const study = page.locator(".study", { hasText: PATIENT });
  await study.waitFor();
  await study.click();
  await page.locator(".series", { hasText: name }).click();
  await page.locator(".stage.active [data-shown]:visible").waitFor();
  await page.locator(".stage.active").focus();
}

const planesDrawn = () => page.waitForFunction(() => document.querySelectorAll(".stage.plane canvas:not([hidden])").length === 3);

async function openPlanes(name) {
  await openSeries(name);
  await key("x");
  await planesDrawn();
  await nextFrame();
}

/** What every pane says in place of a plane. */
async function refusal() {
  await page.locator(".stage.plane .error:visible").first().waitFor();
  const told = await page.locator(".stage.plane .error").allTextContents();
  assert.equal(new Set(told).size, 1);
  assert.equal(await page.locator(".stage.plane canvas:visible").count(), 0);
  return told[0];
}

/** How far a plane is from its formula, `value` + `right` for each pixel of the plane to the right + `down`, inside of a margin; `zoom` is pixels of
 *  the screen for one of the plane, `columns` and `rows` its sides. */
function apart(nth, { value, right, down, columns, rows, zoom, margin }) {
  return page.evaluate((given) => {
    const canvas = document.querySelectorAll(".stage.plane canvas")[given.nth];
    const context = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height }).getContext("2d");
    context.drawImage(canvas, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const zoom = given.zoom ?? Math.min(canvas.clientWidth / given.columns, canvas.clientHeight / given.rows);
    const [left, top] = [Math.round(canvas.clientWidth / 2 - (given.columns * zoom) / 2), Math.round(canvas.clientHeight / 2 - (given.rows * zoom) / 2)];
    let [most, count, outside] = [0, 0, 0];
    for (let y = 0; y < canvas.height; y += 1) {
      for (let x = 0; x < canvas.width; x += 1) {
        const [u, v] = [(x + 0.5 - left) / zoom, (y + 0.5 - top) / zoom];
        const level = data[4 * (y * canvas.width + x)];
        if (u < -1 || v < -1 || u > given.columns + 1 || v > given.rows + 1) outside = Math.max(outside, level);
        if (u < given.margin[0] || v < given.margin[1] || u > given.columns - given.margin[0] || v > given.rows - given.margin[1]) continue;
        const value = given.value + u * given.right + v * given.down;
        const expected = Math.min(255, Math.max(0, ((value - (given.level - 0.5)) / (given.window - 1) + 0.5) * 255));
        most = Math.max(most, Math.abs(level - expected));
        count += 1;
      }
    }
    return { most, count, outside };
  }, { nth, value, right, down, columns, rows, zoom, margin, window: WINDOW, level: LEVEL });
}

/** Holds a plane against the formula: `corner` is where its upper left corner lies in the patient, `size` its sides in millimetres. */
async function assertLinear(nth, corner, size, { zoom = null, pixel = SPACING, ends = [0.5, 0.5], more = 0 } = {}) {
  const [right, down] = SEEN[nth];
  const [columns, rows] = size.map((length) => Math.ceil(length / pixel - 1e-6));
  const told = await apart(nth, {
    value: linear(corner) + more, right: along(right) * pixel, down: along(down) * pixel, columns, rows, zoom, margin: ends,
  });
  assert.ok(told.most <= LEVELS_APART_MAX, `pane ${nth}: ${told.most} levels apart`);
  assert.ok(told.count > 200, `${told.count} pixels were compared`);
  assert.equal(told.outside, 0, "beside the plane is nothing");
}

/** The planes of an axial volume at -30, -24, -16 with 9 slices of 4 mm, or other ends of it, where they are now. */
async function assertPlanes(options = {}, { low = -18, high = 18, heights = Array.from({ length: 9 }, (_, nth) => 16 - 4 * nth) } = {}) {
  const [axial, coronal, sagittal] = await atAll();
  const [x, y, z] = [-30 + (sagittal - 1) * SPACING, -24 + (coronal - 1) * SPACING, heights[axial - 1]];
  const [left, front] = [-30 - SPACING / 2, -24 - SPACING / 2];
  const side = { ...options, ends: [0.5, 2.5 / SPACING] };
  await assertLinear(AXIAL_PANE, [left, front, z], [COLUMNS * SPACING, ROWS * SPACING], options);
  await assertLinear(CORONAL_PANE, [left, y, high], [COLUMNS * SPACING, high - low], side);
  await assertLinear(SAGITTAL_PANE, [x, front, high], [ROWS * SPACING, high - low], side);
}

test("values that rise with x, y and z do so on every plane, in any size and at any place", async () => {
  await openPlanes("Linear");
  assert.deepEqual(await atAll(), [5, 17, 21]);
  await assertPlanes();
  for (const nth of [0, 1, 2]) {
    await stage(nth).focus();
    await key("o");
  }
  await assertPlanes({ zoom: 1 });
  for (const nth of [0, 1, 2]) {
    await stage(nth).focus();
    await key("ArrowDown", "PageDown", "ArrowUp", "-", "-");
  }
  assert.deepEqual(await atAll(), [8, 27, 31]);
  await assertPlanes({ zoom: 1 / 1.25 ** 2 });
});

test("a slab of values that rise has their mean in its middle, the highest at one side and the lowest at the other", async () => {
  await openPlanes("Linear");
  const middle = { x: 0, y: 0, z: 0 };
  const reach = { [AXIAL_PANE]: SLOPES[2], [CORONAL_PANE]: SLOPES[1], [SAGITTAL_PANE]: SLOPES[0] };
  await cut("10");
  await assertPlanes();
  assert.match(await text(AXIAL_PANE, "slice"), /^Axial 5 \/ 9\nmean 10 mm$/);
  for (const [projection, way, name] of [["mip", 1, "MIP"], ["minip", -1, "MinIP"]]) {
    await cut("10", projection);
    assert.match(await text(CORONAL_PANE, "slice"), new RegExp(`\\n${name} 10 mm$`));
    const [x, y, z] = [middle.x, middle.y, middle.z];
    await assertLinear(AXIAL_PANE, [-30.75, -24.75, z], [60, 48], { more: way * 5 * reach[AXIAL_PANE] });
    await assertLinear(CORONAL_PANE, [-30.75, y, 18], [60, 36], { more: way * 5 * reach[CORONAL_PANE], ends: [0.5, 2] });
    await assertLinear(SAGITTAL_PANE, [x, -24.75, 18], [48, 36], { more: way * 5 * reach[SAGITTAL_PANE], ends: [0.5, 2] });
  }
});

test("slices lie where their files say, at distances of their own", async () => {
  await openPlanes("Uneven");
  assert.match(await text(CORONAL_PANE, "slice"), /Slices 3 to 5 mm apart/);
  await assertPlanes({}, { low: -18, high: 10.5, heights: [8, 3, 0, -4, -9, -12, -16] });
});

test("a gantry that was tilted is made straight", async () => {
  await openPlanes("Tilted");
  assert.match(await text(SAGITTAL_PANE, "slice"), /Tilt of 15\.0° made straight/);
  const moved = 32 * Math.tan(Math.PI / 12);
  const [axial, coronal, sagittal] = await atAll();
  const [x, z] = [-30 + (sagittal - 1) * SPACING, 16 - 4 * (axial - 1)];
  // The planes are as long as all slices together; what one slice does not reach is left out here.
  const y = -24 + (coronal - 1) * SPACING;
  const tall = ROWS * SPACING + moved;
  await assertLinear(SAGITTAL_PANE, [x, -24.75, 18], [tall, 36], { ends: [moved / SPACING + 1, 2] });
  await assertLinear(CORONAL_PANE, [-30.75, y, 18], [60, 36], { ends: [0.5, 2] });
  await assertLinear(AXIAL_PANE, [-30.75, -24.75, z], [60, tall], { ends: [0.5, moved / SPACING + 1] });
});

test("a sagittal series, and one that was seen from the head, have the same three planes", async () => {
  await openPlanes("Sagittal");
  const letters = async () => Promise.all([0, 1, 2].map(async (nth) => [await text(nth, "left"), await text(nth, "right"), await text(nth, "top"), await text(nth, "bottom")].join("")));
  const standard = ["RLAP", "RLHF", "APHF"];
  assert.deepEqual(await letters(), standard);
  const [axial, coronal, sagittal] = await atAll();
  const [x, y, z] = [-13.5 + (sagittal - 1) * 3, -24 + (coronal - 1) * SPACING, 20 - (axial - 1) * SPACING];
  await assertLinear(AXIAL_PANE, [-15, -24.75, z], [30, 60], { ends: [1, 0.5] });
  await assertLinear(CORONAL_PANE, [-15, y, 20.75], [30, 48], { ends: [1, 0.5] });
  await assertLinear(SAGITTAL_PANE, [x, -24.75, 20.75], [60, 48]);
  await openPlanes("From the head");
  assert.deepEqual(await letters(), standard);
  await assertPlanes();
});

test("frames of one file are slices as well", async () => {
  await openPlanes("Frames");
  await assertPlanes();
  assert.equal(await text(AXIAL_PANE, "left"), "R");
});

test("slices whose values are scaled each in its own way are one volume", async () => {
  await openPlanes("Scales");
  await assertPlanes();
});

/** The brightest pixel of a plane, and how bright the others are that are more than `reach` from it. */
const brightest = (nth, reach) => page.evaluate(([plane, far]) => {
  const canvas = document.querySelectorAll(".stage.plane canvas")[plane];
  const context = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height }).getContext("2d");
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let best = { level: -1 };
  for (let at = 0; at < data.length; at += 4) {
    if (data[at] > best.level) best = { level: data[at], x: (at / 4) % canvas.width, y: Math.floor(at / 4 / canvas.width) };
  }
  let others = 0;
  for (let at = 0; at < data.length; at += 4) {
    const [x, y] = [(at / 4) % canvas.width, Math.floor(at / 4 / canvas.width)];
    if (Math.hypot(x - best.x, y - best.y) > far) others = Math.max(others, data[at]);
  }
  return { ...best, others, width: canvas.clientWidth, height: canvas.clientHeight };
}, [nth, reach]);

test("a single bright sample is found by MIP where it lies, on every plane, and by no thinner slab", async () => {
  await openPlanes("Spot");
  for (const nth of [0, 1, 2]) {
    await stage(nth).focus();
    await key("o");
  }
  // From the head: slice 2 of 9 is the seventh.
  const heights = 9 - SPOT.slice;
  const where = [[SPOT.column, SPOT.row, COLUMNS, ROWS], [SPOT.column, ((heights - 1) * 4 + 2) / SPACING - 0.5, COLUMNS, 24], [SPOT.row, ((heights - 1) * 4 + 2) / SPACING - 0.5, ROWS, 24]];
  await cut("50", "mip");
  for (const [nth, [u, v, columns, rows]] of where.entries()) {
    const { level, x, y, others, width, height } = await brightest(nth, 4);
    // The highest value of the axial plane is the sample itself.
    assert.ok(nth === AXIAL_PANE ? level === 255 : level > 200, `pane ${nth}: ${level}`);
    assert.equal(others, 0);
    const [left, top] = [Math.round((width - columns) / 2), Math.round((height - rows) / 2)];
    assert.ok(Math.abs(x - left - u) <= 0.5 && Math.abs(y - top - v) <= 0.5, `pane ${nth}: ${x - left}, ${y - top}, not ${u}, ${v}`);
  }
  await cut("5", "mip");
  for (const nth of [0, 1, 2]) assert.equal((await brightest(nth, 4)).level, 0);
  await cut("50", "minip");
  for (const nth of [0, 1, 2]) assert.equal((await brightest(nth, 4)).level, 0);
});

test("so it is in slices that lie beside each other, by the page and by the server", async () => {
  await openPlanes("Askew point");
  await cut("50", "mip");
  // Over whole rows of the first slice it would be little more than half as bright.
  for (const nth of [CORONAL_PANE, SAGITTAL_PANE]) {
    await stage(nth).focus();
    await key("o");
    if (nth === CORONAL_PANE) assert.ok((await brightest(nth, 4)).level > 200);
    const { most } = await apartFromServer(nth, "mprslab=50&renderingmethod=maximum_ip");
    assert.ok(most <= LEVELS_APART_MAX, `pane ${nth}: ${most} levels apart`);
  }
});

test("padding takes no part: it neither darkens what lies beside it nor counts in a slab", async () => {
  await openPlanes("Padded");
  const level = Math.round(((800 - LEVEL + 0.5) / (WINDOW - 1) + 0.5) * 255);
  const levels = (nth) => page.evaluate((plane) => {
    const canvas = document.querySelectorAll(".stage.plane canvas")[plane];
    const context = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height }).getContext("2d");
    context.drawImage(canvas, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    return Array.from({ length: canvas.height }, (_, y) => data[4 * (y * canvas.width + (canvas.width >> 1))]);
  }, nth);
  for (const projection of ["mean", "mip", "minip"]) {
    await cut("20", projection);
    const column = await levels(AXIAL_PANE);
    assert.ok(column.filter((one) => one === level).length > column.length / 3, `${projection}: ${new Set(column)}`);
    // Between, samples give way to the background over one pixel of the volume, and are never another grey than their own or its share.
    assert.ok(column.every((one) => one <= level));
    assert.equal(column[Math.round(column.length / 4)], 0, "the front half is background");
  }
});

test("what is no volume is refused in words, and never drawn", async () => {
  const refused = [
    ["Two", /takes 3 slices or more: this series has 2/],
    ["Phases", /Several slices lie at one place, such as \d+ and \d+: MPR takes one phase/],
    ["Turned", /Slices 1 and \d differ in their orientation/],
    ["Sizes", /differ in their size/],
    ["Spacings", /differ in their pixel spacing/],
    ["Gap", /Between slices 1 and 2 are 40 mm, where 4 mm are usual: slices are missing/],
  ];
  await openSeries("Two");
  await key("x");
  for (const [name, words] of refused) {
    await page.locator(".series", { hasText: name }).click();
    await page.waitForFunction(([pattern]) => new RegExp(pattern).test(document.querySelector(".stage.plane .error:not([hidden])")?.textContent ?? ""), [words.source]);
    assert.match(await refusal(), words);
    // Its controls are still, and say nothing that is wrong.
    await stage(CORONAL_PANE).focus();
    await key("ArrowDown", "i", "r", "1", " ", "+", "Home", "m", "Enter", "w", "Shift+ArrowRight", "Backspace");
    assert.equal(await page.locator("#place").textContent(), "–");
    await stage(SERIES_PANE).focus();
    assert.ok(await stage(SERIES_PANE).locator("[data-shown]:visible").isVisible());
  }
  await page.locator(".series", { hasText: "Linear" }).click();
  await planesDrawn();
  assert.equal(await page.locator(".stage.plane .error:visible").count(), 0);
});

test("colours, a volume that is too large, and a browser without WebGL 2 are refused, too", async () => {
  await openIn(page, "Heart, four chambers");
  await page.locator(".stage.active").focus();
  await key("x");
  assert.match(await refusal(), /have colours: MPR takes grey slices/);
  await openSeries("Linear", "?webgl=off");
  await key("x");
  assert.match(await refusal(), /takes WebGL 2/);
  await page.addInitScript(() => {
    const { getParameter } = WebGL2RenderingContext.prototype;
    WebGL2RenderingContext.prototype.getParameter = function told(name) { return name === this.MAX_3D_TEXTURE_SIZE ? 32 : getParameter.call(this, name); };
  });
  await openSeries("Linear");
  await key("x");
  assert.match(await refusal(), /40 × 32 × 9 samples: the graphics card of this machine takes 32 to a side/);
});

test("a series of more samples than the page holds is refused", async () => {
  await page.route("**/dicom-web/**/metadata*", async (route) => {
    const answer = await route.fetch();
    const headers = await answer.json();
    for (const header of headers) for (const tag of ["00280010", "00280011"]) header[tag].Value = [8000];
    await route.fulfill({ response: answer, json: headers });
  });
  await openSeries("Linear");
  await key("x");
  assert.match(await refusal(), /takes 1099 MiB: the page has room for 512 MiB/);
});

test("while samples are on their way it says how many are here, and a damaged one is named", async () => {
  let letGo;
  const wait = new Promise((go) => { letGo = go; });
  let isDamaged = false;
  await page.route("**/frames?*", async (route) => {
    const answer = await route.fetch();
    const body = await answer.body();
    const third = [...body.toString("latin1").matchAll(/\r\n\r\n\x89PNG/g)][2].index;
    if (isDamaged) body[third + 60] ^= 0x55;
    else await wait;
    await route.fulfill({ response: answer, body });
  });
  await openSeries("Linear");
  await key("x");
  await page.waitForFunction(() => document.querySelector(".stage.plane .hint:not([hidden])")?.textContent === "0 of 9 slices are here.");
  assert.equal(await page.locator(".stage.plane canvas:visible").count(), 0);
  letGo();
  await planesDrawn();
  isDamaged = true;
  await page.locator(".series", { hasText: "Tilted" }).click();
  await page.waitForFunction(() => document.querySelector(".stage.plane .error:not([hidden])"));
  assert.match(await refusal(), /The samples of slice \d cannot be read here/);
});

test("each pane says where the patient is, how long a centimetre is, and which plane it shows", async () => {
  await openPlanes("Linear");
  const sides = ["left", "right", "top", "bottom"];
  const letters = async (nth) => (await Promise.all(sides.map((side) => text(nth, side)))).join("");
  assert.deepEqual([await letters(0), await letters(1), await letters(2)], ["RLAP", "RLHF", "APHF"]);
  for (const nth of [0, 1, 2]) {
    const told = await text(nth, "length");
    const bar = (await part(nth, "bar").boundingBox()).width;
    const [columns, rows] = [[40, 32], [40, 24], [32, 24]][nth];
    const { width, height } = await part(nth, "canvas").boundingBox();
    const scale = Math.min(width / columns, height / rows);
    const millimetres = Number(told.match(/^\d+/)[0]) * (told.includes(" cm") ? 10 : 1);
    assert.ok(Math.abs(bar - (millimetres / SPACING) * scale) < 1, `${bar} pixels for ${told}`);
    assert.match(await text(nth, "slice"), [/^Axial 5 \/ 9$/, /^Coronal 17 \/ 32$/, /^Sagittal 21 \/ 40$/][nth]);
  }
  await stage(CORONAL_PANE).focus();
  await key("r");
  assert.equal(await letters(CORONAL_PANE), "FHRL", "it turns by itself");
  assert.equal(await letters(SAGITTAL_PANE), "APHF");
  assert.equal(await page.locator("#place").textContent(), "17 / 32");
  assert.equal(await page.locator("#fact-size").textContent(), "40 × 24");
  assert.equal(await page.locator("#fact-source").textContent(), "held by this page");
});

/** A pixel of a plane as a point of the window, at one to one. */
async function pointOf(nth, u, v, columns, rows) {
  const box = await part(nth, "canvas").boundingBox();
  return [box.x + Math.round((box.width - columns) / 2) + u, box.y + Math.round((box.height - rows) / 2) + v];
}

test("the crosshair is shared: a click, a drag and a key in one pane move the others", async () => {
  await openPlanes("Linear");
  for (const nth of [0, 1, 2]) {
    await stage(nth).focus();
    await key("o");
  }
  await page.mouse.click(...await pointOf(AXIAL_PANE, 10.5, 4.5, COLUMNS, ROWS));
  await nextFrame();
  assert.deepEqual(await atAll(), [5, 5, 11]);
  await assertPlanes({ zoom: 1 });
  // Taken hold of in the middle of both lines.
  await page.mouse.move(...await pointOf(AXIAL_PANE, 10.5, 4.5, COLUMNS, ROWS));
  await page.mouse.down();
  await page.mouse.move(...await pointOf(AXIAL_PANE, 30.5, 24.5, COLUMNS, ROWS), { steps: 4 });
  await page.mouse.up();
  await nextFrame();
  assert.deepEqual(await atAll(), [5, 25, 31]);
  assert.match(await shown(AXIAL_PANE), /\/default\//, "the window stays");
  // Of one line: the axial plane moves, the sagittal one stays.
  const middle = ((5 - 1) * 4 + 2) / SPACING;
  await page.mouse.move(...await pointOf(CORONAL_PANE, 5.5, middle, COLUMNS, 24));
  await page.mouse.down();
  await page.mouse.move(...await pointOf(CORONAL_PANE, 1.5, 2, COLUMNS, 24), { steps: 4 });
  await page.mouse.up();
  await nextFrame();
  assert.deepEqual(await atAll(), [1, 25, 31]);
  await stage(SAGITTAL_PANE).focus();
  const [x, y] = await pointOf(SAGITTAL_PANE, 5, 5, ROWS, 24);
  await page.mouse.move(x, y);
  await page.mouse.wheel(0, 100);
  await nextFrame();
  assert.deepEqual(await atAll(), [1, 25, 32]);
  await key("Home");
  assert.deepEqual(await atAll(), [1, 25, 1]);
  await page.locator("#slider").fill("8");
  await nextFrame();
  assert.deepEqual(await atAll(), [1, 25, 8]);
  const line = stage(AXIAL_PANE).locator(".cross.sagittal").first();
  const canvas = await part(AXIAL_PANE, "canvas").boundingBox();
  assert.ok(Math.abs(Number(await line.getAttribute("x1")) - (Math.round((canvas.width - COLUMNS) / 2) + 7.5)) < 0.6, "the line is where the plane is");
  // In the series itself they are lines as well.
  assert.equal(await stage(SERIES_PANE).locator(".cut.coronal").count(), 1);
  assert.equal(await stage(SERIES_PANE).locator(".cut.sagittal").count(), 1);
  assert.equal(await stage(SERIES_PANE).locator(".cut.axial").count(), 0);
});

test("a window that is dragged in one plane is that of all, without a request", async () => {
  await openPlanes("Linear");
  await stage(CORONAL_PANE).focus();
  const count = asked.length;
  const box = await stage(CORONAL_PANE).boundingBox();
  await page.mouse.move(box.x + 20, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + 80, box.y + 50, { steps: 10 });
  await page.mouse.up();
  await nextFrame();
  for (const nth of [0, 1, 2]) assert.match(await shown(nth), /\/1440,590\//);
  assert.match(await text(SAGITTAL_PANE, "window"), /W 1440 {2}L 590/);
  await key("i", "1");
  for (const nth of [0, 1, 2]) assert.match(await shown(nth), /\/lung\//);
  assert.equal(asked.length, count, asked.slice(count).join());
  await key("Backspace");
  for (const nth of [0, 1, 2]) assert.match(await shown(nth), /\/default\//);
  await assertPlanes();
  assert.match(await text(SERIES_PANE, "window"), /W 1200/, "the series has its own");
});

test("keys lead into the planes, make them thicker, and back to the panes as they were", async () => {
  await openSeries("Linear");
  await page.locator("button[data-layout='1x2']").click();
  await key("x");
  await planesDrawn();
  assert.equal(await page.locator(".stage:visible").count(), 4);
  assert.equal(await page.locator("#mpr").getAttribute("aria-pressed"), "true");
  assert.ok(await page.locator("#link").isDisabled());
  await stage(AXIAL_PANE).focus();
  await key("d", "d", "g");
  for (const nth of [0, 1, 2]) assert.match(await shown(nth), /\/MIP 10 mm$/);
  await key("Shift+D", "g");
  assert.match(await shown(AXIAL_PANE), /\/MinIP 5 mm$/);
  assert.ok(await page.locator("#key-sheet dd", { hasText: "axial, coronal and sagittal planes" }).count());
  await key("x");
  assert.equal(await page.locator(".stage:visible").count(), 2);
  assert.equal(await page.locator("#mpr").getAttribute("aria-pressed"), "false");
  assert.ok(await page.locator("#slab").isDisabled());
  assert.equal(await page.locator(".stage.active").count(), 1);
  await key("x");
  await planesDrawn();
  await page.locator("button[data-layout='1x1']").click();
  assert.equal(await page.locator(".stage:visible").count(), 1);
  assert.equal(await page.locator("#place").textContent(), "5 / 9");
});

test("the pointer tells the value of a plane, and of a slab as it is projected", async () => {
  await openPlanes("Linear");
  await stage(CORONAL_PANE).focus();
  await key("o");
  const box = await part(CORONAL_PANE, "canvas").boundingBox();
  const [, coronal] = await atAll();
  const [columns, rows] = [COLUMNS, 36 / SPACING];
  // The middle of pixel 25, 10 of the plane.
  const at = { x: box.x + Math.round(box.width / 2 - columns / 2) + 25.5, y: box.y + Math.round(box.height / 2 - rows / 2) + 10.5 };
  const place = (away) => [-30 + 25 * SPACING, -24 + (coronal - 1 + away / SPACING) * SPACING, 18 - 10.5 * SPACING];
  const told = async () => {
    await page.mouse.move(at.x + 3, at.y);
    await page.mouse.move(at.x, at.y);
    return page.locator("#fact-pointer").textContent();
  };
  const expected = (away) => `25, 10: ${Math.round(linear(place(away)))} HU`;
  assert.equal(await told(), expected(0));
  await cut("10", "mip");
  assert.equal(await told(), expected(5));
  await page.mouse.move(box.x + 2, box.y + 2);
  assert.equal(await page.locator("#fact-pointer").textContent(), "–");
});

test("nothing is measured on a plane", async () => {
  await openPlanes("Linear");
  await key("m");
  await stage(AXIAL_PANE).focus();
  const box = await stage(AXIAL_PANE).boundingBox();
  await page.mouse.move(box.x + 30, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + 130, box.y + 90, { steps: 4 });
  await page.mouse.up();
  await key("Enter", "Shift+ArrowRight", "Delete", "t");
  assert.equal(await page.locator(".note").count(), 0);
  assert.ok(await page.locator("#measures").isHidden());
  assert.ok(await page.locator("#tags").isHidden());
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  for (const name of ["Probe", "Length", "Angle", "Ellipse", "Rectangle", "Tags", "Original"]) assert.ok(await page.getByRole("button", { name, exact: true }).isDisabled(), name);
  // On the series beside it, it is.
  await stage(SERIES_PANE).focus();
  await key("Enter");
  assert.equal(await stage(SERIES_PANE).locator(".note").count(), 1);
  assert.equal(await page.locator(".stage.plane .note").count(), 0);
  await stage(AXIAL_PANE).focus();
  assert.match((await page.locator("#measure-list li").allTextContents())[0], /^Length · Slice 5/);
});

test("a refresh leaves the planes alone, and a reload shows them as they were", async () => {
  await openPlanes("Linear");
  await stage(CORONAL_PANE).focus();
  await page.locator("#refresh").click();
  await nextFrame();
  assert.equal(await page.locator(".stage.plane:visible").count(), 3);
  await stage(CORONAL_PANE).focus();
  await key("ArrowDown", "ArrowDown", "i");
  await page.getByLabel("Thickness").selectOption("5");
  await page.getByLabel("Projection").selectOption("mip");
  const shown = () => Promise.all([AXIAL_PANE, CORONAL_PANE, SAGITTAL_PANE].map((nth) => stage(nth).locator("canvas").getAttribute("data-shown")));
  // Each is drawn in a frame of its own.
  await page.waitForFunction(() => [...document.querySelectorAll(".stage.plane canvas")].every(({ dataset }) => dataset.shown?.endsWith("/MIP 5 mm")));
  const before = await shown();
  await page.waitForFunction(() => /planes=[^&]*mip/.test(location.hash) && location.hash.includes("inverted"));
  await page.reload();
  await page.waitForFunction(() => document.querySelectorAll(".stage.plane canvas:not([hidden])").length === 3);
  await page.waitForFunction((texts) => [...document.querySelectorAll(".stage.plane canvas")].every(({ dataset }, nth) => dataset.shown === texts[nth]), before);
  assert.deepEqual(await page.evaluate(() => ["slab", "projection"].map((id) => document.getElementById(id).value)), ["5", "mip"]);
  assert.match(await page.evaluate(() => location.hash), /inverted/);
});

test("an address with planes that nobody has shows those that there are", async () => {
  await openPlanes("Linear");
  await page.waitForFunction(() => location.hash.includes("planes="));
  const address = await page.evaluate(() => location.href);
  for (const planes of ["", "99999,-1,x,7,none;nobody", "2,3,4,10,minip;1,2", ";;;"]) {
    await page.goto("about:blank");
    await page.goto(address.replace(/planes=[^&]*/, `planes=${encodeURIComponent(planes)}`));
    await page.waitForFunction(() => document.querySelectorAll(".stage.plane canvas:not([hidden])").length === 3);
  }
});

test("a series that is chosen while a plane is active is opened beside it, and its planes are shown", async () => {
  await openPlanes("Linear");
  await stage(SAGITTAL_PANE).focus();
  await page.locator(".series", { hasText: "Uneven" }).click();
  await page.waitForFunction(() => /Slices 3 to 5 mm apart/.test(document.querySelector(".stage.plane [data-part=slice]").textContent));
  assert.match(await text(SERIES_PANE, "series"), /Uneven/);
  assert.match(await text(AXIAL_PANE, "series"), /Uneven/);
});

test("planes go when the graphics card is taken away", async () => {
  await page.addInitScript(() => {
    const { getContext } = HTMLCanvasElement.prototype;
    HTMLCanvasElement.prototype.getContext = function told(...asked) {
      const context = getContext.apply(this, asked);
      if (asked[0] === "webgl2") (window.cards ??= new Set()).add(context);
      return context;
    };
  });
  await openPlanes("Linear");
  await page.evaluate(() => [...window.cards].find(({ canvas }) => !canvas.isConnected).getExtension("WEBGL_lose_context").loseContext());
  assert.match(await refusal(), /taken the graphics card away/);
  await key("x", "x");
  await planesDrawn();
});

/** How far the plane of a pane is, at one to one, from a picture of the server. */
const apartFrom = (nth, address) => page.evaluate(async ([nth, address]) => {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  const picture = await createImageBitmap(await answer.blob());
  const own = document.querySelectorAll(".stage.plane canvas")[nth];
  const read = (source) => {
    const context = Object.assign(document.createElement("canvas"), { width: source.width, height: source.height }).getContext("2d");
    context.drawImage(source, 0, 0);
    return context.getImageData(0, 0, source.width, source.height).data;
  };
  const [here, there] = [read(own), read(picture)];
  const [left, top] = [Math.round(own.width / 2 - picture.width / 2), Math.round(own.height / 2 - picture.height / 2)];
  let [most, count, bright] = [0, 0, 0];
  for (let y = Math.max(0, top); y < Math.min(own.height, top + picture.height); y += 1) {
    for (let x = Math.max(0, left); x < Math.min(own.width, left + picture.width); x += 1) {
      const [one, other] = [here[4 * (y * own.width + x)], there[4 * ((y - top) * picture.width + x - left)]];
      most = Math.max(most, Math.abs(one - other));
      bright += one > 0 ? 1 : 0;
      count += 1;
    }
  }
  return { most, count, bright };
}, [nth, address]);

const ask = async (path) => (await fetch(`${BASE}/api/v1/dicom/${path}`)).json();
const shownAddress = () => page.evaluate(() => Object.fromEntries(new URLSearchParams(location.hash.slice(1))));

/** The same from the plane that the server makes of the series. */
async function apartFromServer(nth, query) {
  const { study: studyId, series: seriesId } = await shownAddress();
  const { study_instance_uid: study } = await ask(`studies/${studyId}`);
  const { series } = await ask(`studies/${studyId}/series`);
  const { series_instance_uid: uid } = series.find(({ series_id: id }) => id === seriesId);
  return apartFrom(nth, `${BASE}/dicom-web/studies/${study}/series/${uid}/renderedmpr?accept=image/png&orientation=${["f", "a", "l"][nth]}&${query}`);
}

test("planes of the server are those of the page, thin and thick", async () => {
  for (const name of ["Linear", "Uneven", "Tilted", "Scales", "Padded", "Frames"]) {
    await openPlanes(name);
    for (const nth of [AXIAL_PANE, CORONAL_PANE, SAGITTAL_PANE]) {
      await stage(nth).focus();
      await key("o");
    }
    // One file of frames opens with the first, which is at the feet; the server shows the middle.
    await stage(AXIAL_PANE).focus();
    if (name === "Frames") await key("Home", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown");
    for (const [slab, projection, query] of [["", "", ""], ["10", "mean", "mprslab=10&renderingmethod=average_ip"], ["10", "mip", "mprslab=10&renderingmethod=maximum_ip"]]) {
      if (query) await cut(slab, projection);
      for (const nth of [AXIAL_PANE, CORONAL_PANE, SAGITTAL_PANE]) {
        const { most, count, bright } = await apartFromServer(nth, query);
        assert.ok(most <= LEVELS_APART_MAX, `${name}, pane ${nth}, planes ${await atAll()}, ${query}: ${most} levels apart`);
        assert.ok(count > 500 && bright > count / 4, `${bright} of ${count} pixels of ${name} are bright`);
      }
    }
  }
});

test("so are those of the demonstration", async () => {
  await openIn(page, CT_SERIES);
  await page.locator(".stage.active").focus();
  await key("x");
  await page.waitForFunction(() => document.querySelectorAll(".stage.plane canvas:not([hidden])").length === 3, null, { timeout: 4 * DEADLINE_MS });
  for (const nth of [CORONAL_PANE, SAGITTAL_PANE]) {
    await stage(nth).focus();
    await key("o");
    const { most, count, bright } = await apartFromServer(nth, "");
    assert.ok(most <= LEVELS_APART_MAX && bright > count / 4, `pane ${nth}: ${most} levels apart, ${bright} of ${count} are bright`);
  }
});

test("the axial plane of the demonstration is what the server makes of the same slice", async () => {
  await openIn(page, CT_SERIES);
  await page.locator(".stage.active").focus();
  await key("x");
  await page.waitForFunction(() => document.querySelectorAll(".stage.plane canvas:not([hidden])").length === 3, null, { timeout: 4 * DEADLINE_MS });
  await stage(AXIAL_PANE).focus();
  await key("o");
  const number = await at(AXIAL_PANE);
  const patient = page.locator(".study", { hasText: DEMO_PATIENT });
  assert.equal(await patient.getAttribute("aria-expanded"), "true");
  const { series } = await shownAddress();
  const { images } = await ask(`series/${series}/images`);
  // From the head: the server counts from the feet.
  const told = await apartFrom(AXIAL_PANE, `${BASE}/api/v1/dicom/images/${images.at(-number).image_id}?format=png`);
  assert.ok(told.most <= LEVELS_APART_MAX, `${told.most} levels apart`);
  assert.ok(told.count > 60_000 && told.bright > 20_000, JSON.stringify(told));
});
