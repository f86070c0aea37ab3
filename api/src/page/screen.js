// Draws samples through a window, on the graphics card. The arithmetic is that of the renderer (PS3.3 C.11.2.1.2 and C.11.2.1.3):
// samples are averaged where the picture is smaller and interpolated where it is larger, and then go through the window.

import { FRAGMENT, VERTEX } from "./shader.js";

/** Slices whose textures are kept. */
const TEXTURES_MAX = 8;
const FUNCTIONS = ["linear", "linear_exact", "sigmoid"];
const NO_PADDING = [1, 0];

export class Screen {
  #canvas;
  #gl;
  #places;
  /** By slice, the least recently drawn first. */
  #textures = new Map();

  /** A screen on `canvas`; `null` where the browser has no WebGL 2, or nobody wants it. */
  static on(canvas) {
    if (new URLSearchParams(location.search).get("webgl") === "off") return null;
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false, preserveDrawingBuffer: true });
    const program = gl && programOf(gl);
    return program ? new Screen(canvas, gl, program) : null;
  }

  constructor(canvas, gl, program) {
    this.#canvas = canvas;
    this.#gl = gl;
    gl.useProgram(program);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 2);
    const names = ["base", "slope", "rest", "half_width", "step_size", "origin", "across", "down", "height", "padding", "voi", "inverted"];
    this.#places = Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(program, name)]));
  }

  /** Whether the graphics card is gone: then it draws no more. */
  get isLost() { return this.#gl.isContextLost(); }

  /** Whether a picture of this size is one that it can draw. */
  takes(rows, columns) { return Math.max(rows, columns) <= this.#gl.getParameter(this.#gl.MAX_TEXTURE_SIZE); }

  /** Draws `slice` as `view` says; `matrix` leads from its pixels to those of the page, of which `density` make one of these. */
  draw(slice, view, isInverted, matrix, density) {
    const [gl, canvas, at] = [this.#gl, this.#canvas, this.#places];
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.max(1, Math.round(side * density)));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    gl.viewport(0, 0, width, height);
    gl.bindTexture(gl.TEXTURE_2D, this.#textureOf(slice));
    const { base, slope, rest } = towards(slice, view);
    gl.uniform1i(at.base, base);
    gl.uniform1f(at.slope, slope);
    gl.uniform1f(at.rest, rest);
    gl.uniform1f(at.half_width, view.function === "linear" ? (view.window - 1) / 2 : view.window / 2);
    gl.uniform1i(at.voi, FUNCTIONS.indexOf(view.function));
    gl.uniform2i(at.padding, ...(view.padding ?? NO_PADDING));
    gl.uniform1i(at.inverted, isInverted ? 1 : 0);
    gl.uniform1f(at.height, height);
    this.#place(matrix, density);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  /** Forgets the pictures of a series that is closed. */
  clear() {
    for (const texture of this.#textures.values()) this.#gl.deleteTexture(texture);
    this.#textures.clear();
  }

  /** The way back: from a pixel of the canvas to the place in the picture that it shows. */
  #place([a, b, c, d, e, f], density) {
    const [gl, at] = [this.#gl, this.#places];
    const determinant = a * d - b * c;
    const across = [d / determinant, -b / determinant].map((value) => value / density);
    const down = [-c / determinant, a / determinant].map((value) => value / density);
    gl.uniform2f(at.across, ...across);
    gl.uniform2f(at.down, ...down);
    gl.uniform2f(at.origin, (c * f - d * e) / determinant, (b * e - a * f) / determinant);
    gl.uniform1f(at.step_size, Math.hypot(...across));
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
      for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R16UI, slice.columns, slice.rows, 0, gl.RED_INTEGER, gl.UNSIGNED_SHORT, slice.samples);
    }
    this.#textures.set(slice, texture);
    return texture;
  }
}

/** From a sample to its distance from the middle of the window, in modality units: `slope` x (sample - `base`) + `rest`. The card
 *  computes with 24 bits: near the middle, where it matters, these numbers are small. */
function towards({ slope, offset }, view) {
  const middle = view.function === "linear" ? view.level - 0.5 : view.level;
  const base = Math.min(Math.max(Math.round((middle - offset) / slope) || 0, 0), 65_535);
  return { base, slope, rest: slope * base + offset - middle };
}

function programOf(gl) {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  return gl.getProgramParameter(program, gl.LINK_STATUS) ? program : null;
}
