import { viteCommonjs } from "@originjs/vite-plugin-commonjs";

export default {
  root: import.meta.dirname,
  // dicom-parser, on which the loader stands, is no module. (What Cornerstone3D writes XML with wants the events of Node.js: a package of that name.)
  plugins: [viteCommonjs()],
  worker: { format: "es" },
  build: { target: "es2022", emptyOutDir: true, reportCompressedSize: false },
  logLevel: "error",
};
