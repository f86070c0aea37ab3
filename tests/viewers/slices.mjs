// Slices of a synthetic CT, small and many.
import fs from "node:fs";
import path from "node:path";
import { ROOT, disk, element, file, pixels } from "../dicom.mjs";

const SIDE = 64;

/** Writes `series` series of `slices` slices each as one study below `folder`; gives the UIDs of the study and of the series. */
export function writeStudy(folder, series, slices) {
  const study = `${ROOT}.1`;
  const uids = Array.from({ length: series }, (_, index) => `${study}.${index + 1}`);
  fs.mkdirSync(folder, { recursive: true });
  for (const [index, uid] of uids.entries()) {
    for (let nth = 1; nth <= slices; nth += 1) {
      const of = { study, series: uid, instance: `${uid}.${nth}`, number: nth, patient: "Many^Slices" };
      const elements = [element(0x20, 0x11, "IS", String(index + 1)), ...pixels(SIDE, nth, disk(SIDE, nth))];
      fs.writeFileSync(path.join(folder, `${index + 1}-${nth}.dcm`), file(of, elements));
    }
  }
  return { study, series: uids };
}
