// Draws planes through a volume, on the graphics card: its samples lie there as one texture of three dimensions, for all panes together.
// What is drawn is first values (`slab.js`), kept for each pane, and then a window of them (`shader.js`), as `screen.js` does it.

import { FUNCTIONS, programOf } from "./screen.js";
import { WINDOW } from "./shader.js";
import { RESLICE } from "./slab.js";
import { t } from "./words.js";

/** Points to each side of a pixel of the screen: a plane that is drawn smaller than that has pixels left out. */
const GRID_MAX = 4;
/** What a plane may take while the hand moves, and when it rests: without a graphics card it has fewer points to a pixel then. */
const MOVING_MS = 60;
const RESTING_MS = 1_000;
const PROJECTIONS = ["mean", "mip", "minip"];
const NO_PADDING = [1, 0];
const FLOATS_PER_SLICE = 8;

export class Reslicer {
  #canvas;
  #gl;
  #reslice;
  #window;
  #volume = null;
  #samples = null;
  /** What is told of slices, as `slab.js` reads it. */
  #slices = { texture: null, values: null, isSent: false };
  /** By plane: values at the pixels of its canvas, what they are of, and how long a point to each pixel took. */
  #resampled = new Map();

  /** A reslicer; `null` where the browser has no WebGL 2, or nobody wants it. `lost()` when the graphics card is taken away. */
  static make(lost) {
    if (new URLSearchParams(location.search).get("webgl") === "off") return null;
    const canvas = document.createElement("canvas");
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false });
    const [reslice, window] = gl ? [RESLICE, WINDOW].map((source) => programOf(gl, source)) : [];
    if (!reslice || !window) return null;
    canvas.addEventListener("webglcontextlost", lost);
    return new Reslicer(canvas, gl, reslice, window);
  }

  constructor(canvas, gl, reslice, window) {
    [this.#canvas, this.#gl, this.#reslice, this.#window] = [canvas, gl, reslice, window];
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 2);
  }

  /** Makes room for a volume; why there is none, or `null`. */
  open(volume) {
    this.close();
    const gl = this.#gl;
    const { columns, rows, count } = volume;
    const most = Math.min(gl.getParameter(gl.MAX_3D_TEXTURE_SIZE), gl.getParameter(gl.MAX_TEXTURE_SIZE));
    if (Math.max(columns, rows, count) > most) return t("mpr.sides", { columns, rows, count, most });
    while (gl.getError() !== gl.NO_ERROR) { /* Of others. */ }
    this.#samples = this.#textureOf(gl.TEXTURE_3D);
    gl.texStorage3D(gl.TEXTURE_3D, 1, gl.R16UI, columns, rows, count);
    if (gl.getError() !== gl.NO_ERROR) {
      this.close();
      return t("mpr.card");
    }
    this.#volume = volume;
    this.#slices = { texture: this.#textureOf(gl.TEXTURE_2D), values: new Float32Array(count * FLOATS_PER_SLICE), isSent: false };
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA32F, 2, count);
    return null;
  }

  /** Takes the samples of a slice, with the first and last that are padding. */
  put(nth, { samples, rows, columns, slope, offset }, padding) {
    const gl = this.#gl;
    gl.bindTexture(gl.TEXTURE_3D, this.#samples);
    gl.texSubImage3D(gl.TEXTURE_3D, 0, 0, 0, nth, columns, rows, 1, gl.RED_INTEGER, gl.UNSIGNED_SHORT, samples);
    const { along, shifts } = this.#volume;
    this.#slices.values.set([along[nth], ...shifts[nth], 0, slope, offset, ...(padding ?? NO_PADDING)], nth * FLOATS_PER_SLICE);
    this.#slices.isSent = false;
  }

  /** Forgets the volume. */
  close() {
    for (const texture of [this.#samples, this.#slices.texture]) this.#gl.deleteTexture(texture);
    for (const { texture, frame } of this.#resampled.values()) {
      this.#gl.deleteTexture(texture);
      this.#gl.deleteFramebuffer(frame);
    }
    this.#resampled.clear();
    this.#volume = this.#samples = null;
    this.#slices = { texture: null, values: null, isSent: false };
  }

  /** Draws into `context` what `cut` asks for, as `view` says: `cut` has the `name` of the plane, its `lay` in the volume, the `axis` and the
   *  `slab` from where to where on it, the `projection`, and whether the hand `isMoving`; `matrix` leads from pixels of the plane to those of the page, of which `density` make one of these. */
  draw(context, cut, view, isInverted, matrix, density) {
    const start = performance.now();
    const [gl, { width, height }] = [this.#gl, context.canvas];
    // It only grows: panes differ by a pixel.
    if (this.#canvas.width < width) this.#canvas.width = width;
    if (this.#canvas.height < height) this.#canvas.height = height;
    gl.viewport(0, 0, width, height);
    const resampled = this.#resample(cut, matrix, density, width, height);
    const { program, at } = this.#window;
    gl.useProgram(program);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, resampled.texture);
    // Values are in modality units: near the middle of the window the distance is small.
    gl.uniform1f(at("base"), view.function === "linear" ? view.level - 0.5 : view.level);
    gl.uniform1f(at("slope"), 1);
    gl.uniform1f(at("rest"), 0);
    gl.uniform1f(at("half_width"), view.function === "linear" ? (view.window - 1) / 2 : view.window / 2);
    gl.uniform1i(at("voi"), FUNCTIONS.indexOf(view.function));
    gl.uniform1i(at("inverted"), isInverted ? 1 : 0);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    context.drawImage(this.#canvas, 0, this.#canvas.height - height, width, height, 0, 0, width, height);
    // Without a card this waited for all of it.
    if (resampled.isNew) resampled.pointMs = (performance.now() - start) / resampled.grid ** 2;
    resampled.isNew = false;
  }

  /** The value at a pixel of the canvas of a plane, from the upper left, as it was drawn last; `null` where nothing is. */
  valueAt(name, x, y) {
    const kept = this.#resampled.get(name);
    const [column, row] = [Math.floor(x), Math.floor(y)];
    if (!kept?.of || column < 0 || row < 0 || column >= kept.width || row >= kept.height) return null;
    const gl = this.#gl;
    const bits = new Int32Array(4);
    gl.bindFramebuffer(gl.FRAMEBUFFER, kept.frame);
    gl.readPixels(column, kept.height - 1 - row, 1, 1, gl.RGBA_INTEGER, gl.INT, bits);
    const [value, share] = new Float32Array(bits.buffer);
    return share > 0 ? value : null;
  }

  /** Values at the pixels of the canvas, unless they are there from the last time: a window that is dragged does not do it again. */
  #resample({ name, lay, axis, slab, projection, isMoving }, matrix, density, width, height) {
    const { step, ...ways } = wayBack(matrix, density);
    const kept = this.#roomOf(name, width, height);
    let grid = Math.min(Math.max(Math.ceil(step - 0.01), 1), GRID_MAX);
    while (grid > 1 && kept.pointMs * grid ** 2 > (isMoving ? MOVING_MS : RESTING_MS)) grid -= 1;
    const of = [density, axis, projection, ...slab, ...lay.corner, ...lay.right, ...lay.down, ...matrix];
    const isSame = kept.of?.every((one, nth) => one === of[nth]);
    // With all care once: how long it took is not the same each time.
    if (isSame && (isMoving || kept.isRested || kept.grid === grid)) return kept;
    Object.assign(kept, { of, grid, isNew: true, isRested: !isMoving });
    const [gl, { program, at }] = [this.#gl, this.#reslice];
    gl.useProgram(program);
    gl.bindFramebuffer(gl.FRAMEBUFFER, kept.frame);
    this.#bind(at);
    for (const [place, values] of [["corner", lay.corner], ["to_right", lay.right], ["to_below", lay.down], ["along", this.#along()]]) gl.uniform3f(at(place), ...values);
    for (const [place, values] of [["slab", slab], ...Object.entries(ways)]) gl.uniform2f(at(place), ...values);
    gl.uniform1i(at("axis"), axis);
    gl.uniform1i(at("projection"), PROJECTIONS.indexOf(projection));
    gl.uniform1i(at("grid"), grid);
    gl.uniform1f(at("height"), height);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    return kept;
  }

  #along() {
    const { reach, spacing } = this.#volume;
    return [...reach[2], spacing[2]];
  }

  /** The volume, and what is told of its slices, where the program reads them. */
  #bind(at) {
    const gl = this.#gl;
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, this.#slices.texture);
    if (!this.#slices.isSent) {
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, 2, this.#volume.count, gl.RGBA, gl.FLOAT, this.#slices.values);
      this.#slices.isSent = true;
    }
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_3D, this.#samples);
    gl.uniform1i(at("samples"), 0);
    gl.uniform1i(at("slices"), 1);
  }

  /** Room for the values of a plane. */
  #roomOf(name, width, height) {
    const gl = this.#gl;
    const kept = this.#resampled.get(name);
    if (kept?.width === width && kept.height === height) return kept;
    gl.deleteTexture(kept?.texture ?? null);
    const room = { width, height, of: null, pointMs: kept?.pointMs ?? 0, texture: this.#textureOf(gl.TEXTURE_2D), frame: kept?.frame ?? gl.createFramebuffer() };
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RG32I, width, height);
    gl.bindFramebuffer(gl.FRAMEBUFFER, room.frame);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, room.texture, 0);
    this.#resampled.set(name, room);
    return room;
  }

  /** A new texture, bound; its values are read one by one: nothing lies between them. */
  #textureOf(kind) {
    const [gl, texture] = [this.#gl, this.#gl.createTexture()];
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(kind, texture);
    for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(kind, filter, gl.NEAREST);
    return texture;
  }
}

/** From a pixel of the canvas to the pixel of the plane that it shows, and how many of these one of the canvas covers. */
function wayBack([a, b, c, d, e, f], density) {
  const determinant = a * d - b * c;
  const across = [d / determinant, -b / determinant].map((value) => value / density);
  const down = [-c / determinant, a / determinant].map((value) => value / density);
  return { across, down, origin: [(c * f - d * e) / determinant, (b * e - a * f) / determinant], step: Math.hypot(...across) };
}
