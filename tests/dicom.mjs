// DICOM files that tests make themselves, as PS3.10 has them, in Explicit VR Little Endian.
export const ROOT = "1.2.826.0.1.3680043.10.1511.11";
export const CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2";
const EXPLICIT_LITTLE = "1.2.840.10008.1.2.1";
const LONG = ["OB", "OW", "SQ", "UT", "UN"];

/** An element: a text, a number of 16 or 32 bits (`US`, `SS`, `UL`), bytes as they are, or the items of a sequence, each a list of elements. */
export function element(group, number, vr, value) {
  const isLong = LONG.includes(vr);
  let bytes = bytesOf(vr, value);
  if (bytes.length % 2 === 1) bytes = Buffer.concat([bytes, Buffer.from(vr === "UI" || isLong ? "\0" : " ")]);
  const head = Buffer.alloc(isLong ? 12 : 8);
  head.writeUInt16LE(group, 0);
  head.writeUInt16LE(number, 2);
  head.write(vr, 4, "latin1");
  if (isLong) head.writeUInt32LE(bytes.length, 8);
  else head.writeUInt16LE(bytes.length, 6);
  return Buffer.concat([head, bytes]);
}

function bytesOf(vr, value) {
  if (vr === "SQ") return Buffer.concat(value.map(item));
  if (vr === "US") return Buffer.from(Uint16Array.of(value).buffer);
  if (vr === "SS" && typeof value === "number") return Buffer.from(Int16Array.of(value).buffer);
  if (vr === "UL") return Buffer.from(Uint32Array.of(value).buffer);
  return typeof value === "string" ? Buffer.from(value, "latin1") : value;
}

function item(elements) {
  const body = Buffer.concat(elements);
  const head = Buffer.from([0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0]);
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body]);
}

/** A file of these elements, which stand in the order of their tags, in this study and series. */
export function file({ sopClass = CT_IMAGE, study, series, instance, modality = "CT", patient = "Tests^Browser", number = 1, syntax = EXPLICIT_LITTLE }, elements) {
  const meta = Buffer.concat([
    element(2, 1, "OB", Buffer.from([0, 1])), element(2, 2, "UI", sopClass), element(2, 3, "UI", instance), element(2, 0x10, "UI", syntax),
    element(2, 0x12, "UI", ROOT),
  ]);
  const own = [
    element(8, 0x16, "UI", sopClass), element(8, 0x18, "UI", instance), element(8, 0x20, "DA", "20261129"), element(8, 0x60, "CS", modality),
    element(0x10, 0x10, "PN", patient), element(0x10, 0x20, "LO", "TESTS"),
    element(0x20, 0x0d, "UI", study), element(0x20, 0x0e, "UI", series), element(0x20, 0x13, "IS", String(number)),
  ];
  const sorted = [...own, ...elements].sort((one, other) => one.readUInt16LE(0) - other.readUInt16LE(0) || one.readUInt16LE(2) - other.readUInt16LE(2));
  return Buffer.concat([Buffer.alloc(128), Buffer.from("DICM"), element(2, 0, "UL", meta.length), meta, ...sorted]);
}

/** The elements of a slice of `side` x `side` samples of 16 bits with signs, at a height in millimetres. */
export function pixels(side, height, values) {
  return [
    element(0x20, 0x32, "DS", `0\\0\\${height}`), element(0x20, 0x37, "DS", "1\\0\\0\\0\\1\\0"), element(0x20, 0x52, "UI", `${ROOT}.9`),
    element(0x28, 2, "US", 1), element(0x28, 4, "CS", "MONOCHROME2"), element(0x28, 0x10, "US", side), element(0x28, 0x11, "US", side),
    element(0x28, 0x30, "DS", "1\\1"), element(0x28, 0x100, "US", 16), element(0x28, 0x101, "US", 16), element(0x28, 0x102, "US", 15),
    element(0x28, 0x103, "US", 1), element(0x28, 0x1050, "DS", "0"), element(0x28, 0x1051, "DS", "400"), element(0x28, 0x1052, "DS", "0"),
    element(0x28, 0x1053, "DS", "1"), element(0x7fe0, 0x10, "OW", Buffer.from(values.buffer)),
  ];
}

/** A disk on a ramp that moves from slice to slice. */
export function disk(side, nth) {
  const values = new Int16Array(side * side);
  for (let at = 0; at < values.length; at += 1) {
    const [row, column] = [Math.floor(at / side), at % side];
    values[at] = (row - side / 2) ** 2 + (column - (nth % side)) ** 2 < 200 ? 60 : column * 4 - 160;
  }
  return values;
}
