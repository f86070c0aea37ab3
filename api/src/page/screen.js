// Draws samples through a window, on the graphics card. The arithmetic is that of the renderer (PS3.3 C.11.2.1.2 and C.11.2.1.3):
// samples are averaged where the picture is smaller and interpolated where it is larger, and then go through the window.

import { RESAMPLE, VERTEX, WINDOW } from "./shader.js";

/** Slices whose textures are kept. */
const TEXTURES_MAX = 8;
/** VOI LUT functions as `WINDOW` counts them. */
export const FUNCTIONS = ["linear", "linear_exact", "sigmoid"];
const NO_PADDING = [1, 0];

export class Screen {
  #canvas;
  #gl;
  #resample;
  #window;
  /** By slice, the least recently drawn first. */
  #textures = new Map();
  /** Samples at the pixels of the canvas, and what they are of. */
  #resampled = { texture: null, frame: null, of: null };

  /** A screen on `canvas`; `null` where the browser has no WebGL 2, or nobody wants it. */
  static on(canvas) {
    if (new URLSearchParams(location.search).get("webgl") === "off") return null;
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false, preserveDrawingBuffer: true });
    const [resample, window] = gl ? [RESAMPLE, WINDOW].map((source) => programOf(gl, source)) : [];
    return resample && window ? new Screen(canvas, gl, resample, window) : null;
  }

  constructor(canvas, gl, resample, window) {
    [this.#canvas, this.#gl, this.#resample, this.#window] = [canvas, gl, resample, window];
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 2);
  }

  /** Whether a picture of this size is one that it can draw. */
  takes(rows, columns) { return Math.max(rows, columns) <= this.#gl.getParameter(this.#gl.MAX_TEXTURE_SIZE); }

  /** Draws `slice` as `view` says; `matrix` leads from its pixels to those of the page, of which `density` make one of these. */
  draw(slice, view, isInverted, matrix, density) {
    const [gl, canvas] = [this.#gl, this.#canvas];
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.max(1, Math.round(side * density)));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    gl.viewport(0, 0, width, height);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.disable(gl.SCISSOR_TEST);
    gl.clearColor(0, 0, 0, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    // Nothing is computed beside the picture.
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(...frameOf(slice, matrix, density, { width, height }));
    this.#bringUp(slice, view.padding ?? NO_PADDING, matrix, density);
    const { program, at } = this.#window;
    gl.useProgram(program);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.bindTexture(gl.TEXTURE_2D, this.#resampled.texture);
    const { base, slope, rest } = towards(slice, view);
    gl.uniform1f(at("base"), base);
    gl.uniform1f(at("slope"), slope);
    gl.uniform1f(at("rest"), rest);
    gl.uniform1f(at("half_width"), view.function === "linear" ? (view.window - 1) / 2 : view.window / 2);
    gl.uniform1i(at("voi"), FUNCTIONS.indexOf(view.function));
    gl.uniform1i(at("inverted"), isInverted ? 1 : 0);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  /** Brings the samples to the pixels of the canvas, unless they are there from the last time. */
  #bringUp(slice, padding, matrix, density) {
    const [gl, { width, height }] = [this.#gl, this.#canvas];
    const of = [slice, width, height, density, ...padding, ...matrix];
    if (this.#resampled.of?.every((one, nth) => one === of[nth])) return;
    if (this.#resampled.of?.[1] !== width || this.#resampled.of[2] !== height) this.#makeRoom(width, height);
    this.#resampled.of = of;
    const { program, at } = this.#resample;
    gl.useProgram(program);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.#resampled.frame);
    gl.bindTexture(gl.TEXTURE_2D, this.#textureOf(slice));
    gl.uniform2i(at("padding"), ...padding);
    gl.uniform1f(at("height"), height);
    this.#place(matrix, density);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  #makeRoom(width, height) {
    const gl = this.#gl;
    gl.deleteTexture(this.#resampled.texture);
    this.#resampled.texture = gl.createTexture();
    this.#resampled.frame ??= gl.createFramebuffer();
    gl.bindTexture(gl.TEXTURE_2D, this.#resampled.texture);
    this.#takeAsIs();
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RG32I, width, height);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.#resampled.frame);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.#resampled.texture, 0);
  }

  /** Integers are read one by one: nothing lies between them. */
  #takeAsIs() {
    const gl = this.#gl;
    for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
  }

  /** Forgets the pictures of a series that is closed. */
  clear() {
    if (this.#resampled.of) this.#resampled.of[0] = null;
    for (const texture of this.#textures.values()) this.#gl.deleteTexture(texture);
    this.#textures.clear();
  }

  /** The way back: from a pixel of the canvas to the place in the picture that it shows. */
  #place([a, b, c, d, e, f], density) {
    const [gl, { at }] = [this.#gl, this.#resample];
    const determinant = a * d - b * c;
    const across = [d / determinant, -b / determinant].map((value) => value / density);
    const down = [-c / determinant, a / determinant].map((value) => value / density);
    gl.uniform2f(at("across"), ...across);
    gl.uniform2f(at("down"), ...down);
    gl.uniform2f(at("origin"), (c * f - d * e) / determinant, (b * e - a * f) / determinant);
    gl.uniform1f(at("step_size"), Math.hypot(...across));
  }

  #textureOf(slice) {
    const gl = this.#gl;
    let texture = this.#textures.get(slice);
    this.#textures.delete(slice);
    if (!texture) {
      for (const [oldest, unused] of this.#textures) {
        if (this.#textures.size < TEXTURES_MAX) break;
        gl.deleteTexture(unused);
        this.#textures.delete(oldest);
      }
      texture = gl.createTexture();
      gl.bindTexture(gl.TEXTURE_2D, texture);
      this.#takeAsIs();
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R16UI, slice.columns, slice.rows, 0, gl.RED_INTEGER, gl.UNSIGNED_SHORT, slice.samples);
    }
    this.#textures.set(slice, texture);
    return texture;
  }
}

/** Where the picture lies on the canvas: left, bottom, width and height in its pixels, as the card counts them. */
function frameOf({ columns, rows }, [a, b, c, d, e, f], density, { width, height }) {
  const corners = [[0, 0], [columns, 0], [0, rows], [columns, rows]];
  const x = corners.map(([column, row]) => (a * column + c * row + e) * density);
  const y = corners.map(([column, row]) => (b * column + d * row + f) * density);
  const within = (value, side) => Math.min(Math.max(value, 0), side);
  const [left, right] = [within(Math.floor(Math.min(...x)), width), within(Math.ceil(Math.max(...x)), width)];
  const [top, bottom] = [within(Math.floor(Math.min(...y)), height), within(Math.ceil(Math.max(...y)), height)];
  return [left, height - bottom, right - left, bottom - top];
}

/** From a sample to its distance from the middle of the window, in modality units: `slope` x (sample - `base`) + `rest`. The card
 *  computes with 24 bits: near the middle, where it matters, these numbers are small. */
function towards({ slope, offset }, view) {
  const middle = view.function === "linear" ? view.level - 0.5 : view.level;
  const base = Math.min(Math.max(Math.round((middle - offset) / slope) || 0, 0), 65_535);
  return { base, slope, rest: slope * base + offset - middle };
}

/** A program, and where each of its uniforms is by name; `null` where the card does not take it. */
export function programOf(gl, fragment) {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) return null;
  const places = new Map();
  const at = (name) => {
    if (!places.has(name)) places.set(name, gl.getUniformLocation(program, name));
    return places.get(name);
  };
  return { program, at };
}
