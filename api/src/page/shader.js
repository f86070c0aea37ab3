// What the graphics card does for each pixel of the screen. `screen.js` sets the uniforms and says what they are.

/** One triangle over everything. */
export const VERTEX = `#version 300 es
void main() {
  vec2 corner = vec2((gl_VertexID << 1) & 2, gl_VertexID & 2);
  gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}`;

/** Samples at the pixels of the canvas: their average, and how much of it is picture, as the bits of two floats, since a card need
 *  not draw floats. This has nothing of the window in it, so that a window that is dragged does not do it again. */
export const RESAMPLE = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;

uniform usampler2D samples;
/** Place in the picture of the top left corner of the canvas, and of the steps to the right and down. */
uniform vec2 origin, across, down;
/** Pixels of the picture for one of the canvas. */
uniform float step_size;
/** First and last sample that is no picture. */
uniform ivec2 padding;
/** Rows of the canvas, which the card counts from below. */
uniform float height;
out ivec2 resampled;

ivec2 size;

/** A sample times its weight, and the weight; padding has none. */
vec2 weighed(ivec2 place, float weight) {
  int value = int(texelFetch(samples, clamp(place, ivec2(0), size - 1), 0).r);
  return value >= padding.x && value <= padding.y ? vec2(0.0) : weight * vec2(float(value), 1.0);
}

/** Between the four around, where the picture is larger. */
vec2 interpolated(vec2 place) {
  vec2 corner = floor(place - 0.5);
  vec2 part = place - 0.5 - corner;
  ivec2 at = ivec2(corner);
  return weighed(at, (1.0 - part.x) * (1.0 - part.y)) + weighed(at + ivec2(1, 0), part.x * (1.0 - part.y))
    + weighed(at + ivec2(0, 1), (1.0 - part.x) * part.y) + weighed(at + ivec2(1, 1), part.x * part.y);
}

/** Over the area that a pixel of the canvas covers, where the picture is smaller. */
vec2 averaged(vec2 place) {
  vec2 low = clamp(place - step_size / 2.0, vec2(0.0), vec2(size));
  vec2 high = clamp(place + step_size / 2.0, vec2(0.0), vec2(size));
  ivec2 first = ivec2(floor(low)), end = ivec2(ceil(high));
  vec2 sum = vec2(0.0);
  float area = 0.0;
  for (int y = first.y; y < end.y; y++) {
    float tall = min(float(y) + 1.0, high.y) - max(float(y), low.y);
    for (int x = first.x; x < end.x; x++) {
      float weight = tall * (min(float(x) + 1.0, high.x) - max(float(x), low.x));
      sum += weighed(ivec2(x, y), weight);
      area += weight;
    }
  }
  return sum / max(area, 1e-9);
}

void main() {
  size = textureSize(samples, 0);
  vec2 pixel = vec2(gl_FragCoord.x, height - gl_FragCoord.y);
  vec2 place = origin + pixel.x * across + pixel.y * down;
  resampled = ivec2(0);
  if (any(lessThan(place, vec2(0.0))) || any(greaterThanEqual(place, vec2(size)))) return;
  vec2 sum;
  if (abs(step_size - 1.0) < 1e-4) sum = weighed(ivec2(floor(place)), 1.0);
  else if (step_size > 1.0) sum = averaged(place);
  else sum = interpolated(place);
  if (sum.y > 0.0) resampled = floatBitsToInt(vec2(sum.x / sum.y, min(sum.y, 1.0)));
}`;

/** The window, and what is shown. */
export const WINDOW = `#version 300 es
precision highp float;
precision highp int;
precision highp isampler2D;

uniform isampler2D resampled;
/** Distance from the middle of the window: slope x (sample - base) + rest. */
uniform float base, slope, rest, half_width;
/** 0 LINEAR, 1 LINEAR_EXACT, 2 SIGMOID. */
uniform int voi;
uniform bool inverted;
out vec4 shown;

/** PS3.3 C.11.2.1.2.1, C.11.2.1.3.2, C.11.2.1.3.1; 0 to 255. */
float display_value(float distance) {
  if (voi == 2) return 255.0 / (1.0 + exp(-2.0 * distance / half_width));
  if (distance <= -half_width) return 0.0;
  if (distance > half_width) return 255.0;
  return (distance / (2.0 * half_width) + 0.5) * 255.0;
}

void main() {
  vec2 sum = intBitsToFloat(texelFetch(resampled, ivec2(gl_FragCoord.xy), 0).rg);
  shown = vec4(0.0, 0.0, 0.0, 1.0);
  // Nothing but padding: background, also where the picture is inverted.
  if (sum.y <= 0.0) return;
  float level = floor(display_value((sum.x - base) * slope + rest) + 0.5);
  if (inverted) level = 255.0 - level;
  shown.rgb = vec3(floor(level * sum.y + 0.5) / 255.0);
}`;
