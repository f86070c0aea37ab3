// Slices of a synthetic CT, small and many: DICOM files as PS3.10 has them, in Explicit VR Little Endian.
import fs from "node:fs";
import path from "node:path";

const ROOT = "1.2.826.0.1.3680043.10.1511.11";
const CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2";
const EXPLICIT_LITTLE = "1.2.840.10008.1.2.1";
const SIDE = 64;

/** An element with a text, or with bytes as they are. */
function element(group, number, vr, value) {
  const isLong = vr === "OW" || vr === "OB";
  let bytes = typeof value === "string" ? Buffer.from(value, "latin1") : value;
  if (bytes.length % 2 === 1) bytes = Buffer.concat([bytes, Buffer.from(vr === "UI" ? "\0" : " ")]);
  const head = Buffer.alloc(isLong ? 12 : 8);
  head.writeUInt16LE(group, 0);
  head.writeUInt16LE(number, 2);
  head.write(vr, 4, "latin1");
  if (isLong) head.writeUInt32LE(bytes.length, 8);
  else head.writeUInt16LE(bytes.length, 6);
  return Buffer.concat([head, bytes]);
}

const word = (value) => Buffer.from(Uint16Array.of(value).buffer);

/** A disk on a ramp that moves from slice to slice. */
function pixels(nth) {
  const values = new Int16Array(SIDE * SIDE);
  for (let at = 0; at < values.length; at += 1) {
    const [row, column] = [Math.floor(at / SIDE), at % SIDE];
    values[at] = (row - SIDE / 2) ** 2 + (column - (nth % SIDE)) ** 2 < 200 ? 60 : column * 4 - 160;
  }
  return Buffer.from(values.buffer);
}

/** Writes `series` series of `slices` slices each as one study below `folder`; gives the UIDs of the study and of the series. */
export function writeStudy(folder, series, slices) {
  const study = `${ROOT}.1`;
  const uids = Array.from({ length: series }, (_, index) => `${study}.${index + 1}`);
  fs.mkdirSync(folder, { recursive: true });
  for (const [index, uid] of uids.entries()) {
    for (let nth = 1; nth <= slices; nth += 1) {
      const instance = `${uid}.${nth}`;
      const meta = Buffer.concat([
        element(2, 1, "OB", Buffer.from([0, 1])), element(2, 2, "UI", CT_IMAGE_STORAGE), element(2, 3, "UI", instance),
        element(2, 0x10, "UI", EXPLICIT_LITTLE), element(2, 0x12, "UI", ROOT),
      ]);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(meta.length);
      fs.writeFileSync(path.join(folder, `${index + 1}-${nth}.dcm`), Buffer.concat([
        Buffer.alloc(128), Buffer.from("DICM"), element(2, 0, "UL", length), meta,
        element(8, 0x16, "UI", CT_IMAGE_STORAGE), element(8, 0x18, "UI", instance), element(8, 0x20, "DA", "20261129"),
        element(8, 0x60, "CS", "CT"), element(0x10, 0x10, "PN", "Many^Slices"), element(0x10, 0x20, "LO", "MANY"),
        element(0x20, 0x0d, "UI", study), element(0x20, 0x0e, "UI", uid), element(0x20, 0x11, "IS", `${index + 1}`),
        element(0x20, 0x13, "IS", `${nth}`), element(0x20, 0x32, "DS", `0\\0\\${nth}`), element(0x20, 0x37, "DS", "1\\0\\0\\0\\1\\0"),
        element(0x20, 0x52, "UI", `${ROOT}.9`), element(0x28, 2, "US", word(1)), element(0x28, 4, "CS", "MONOCHROME2"),
        element(0x28, 0x10, "US", word(SIDE)), element(0x28, 0x11, "US", word(SIDE)), element(0x28, 0x30, "DS", "1\\1"),
        element(0x28, 0x100, "US", word(16)), element(0x28, 0x101, "US", word(16)), element(0x28, 0x102, "US", word(15)),
        element(0x28, 0x103, "US", word(1)), element(0x28, 0x1050, "DS", "0"), element(0x28, 0x1051, "DS", "400"),
        element(0x28, 0x1052, "DS", "0"), element(0x28, 0x1053, "DS", "1"), element(0x7fe0, 0x10, "OW", pixels(nth)),
      ]));
    }
  }
  return { study, series: uids };
}
