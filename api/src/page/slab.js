// What the graphics card does for each pixel of a plane through a volume. `reslicer.js` sets the uniforms and says what they are.

/** Values at the pixels of the canvas, in modality units: between the samples around, and over the thickness of the slab; and how much of
 *  each is picture. Both as the bits of floats, as `RESAMPLE` of `shader.js` gives them, for the window after it. */
export const RESLICE = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler3D;
precision highp sampler2D;

uniform usampler3D samples;
/** Of each slice: its place along the normal, by how many columns and rows it is moved; slope, offset, first and last sample that is no picture. */
uniform sampler2D slices;
/** First and last place along the normal, and the mean distance of slices. */
uniform vec3 along;
/** Pixel of the plane at the top left corner of the canvas, and the steps to the right and down. */
uniform vec2 origin, across, down;
/** Place in the volume of the top left corner of the plane, and the steps to the right and below. */
uniform vec3 corner, to_right, to_below;
/** The axis that the slab lies across, and from where to where on it. */
uniform int axis;
uniform vec2 slab;
/** 0 mean, 1 the highest value, 2 the lowest. */
uniform int projection;
/** Points to each side of a pixel of the canvas, where it covers more than one of the plane. */
uniform int grid;
/** Rows of the canvas, which the card counts from below. */
uniform float height;
out ivec2 resampled;

const int POINTS_MAX = 4096;
ivec3 size;

float along_of(int nth) { return texelFetch(slices, ivec2(0, nth), 0).x; }

/** The last slice that is not behind this place along the normal, or the first one. */
int slice_before(float place) {
  int nth = clamp(int((place - along_of(0)) / along.z), 0, size.z - 1);
  while (nth > 0 && along_of(nth) > place) nth--;
  while (nth + 1 < size.z && along_of(nth + 1) <= place) nth++;
  return nth;
}

/** The two slices around a place along the normal, with what is told of each; "part" is how near it is to the second. */
struct Around {
  int before, after;
  float part;
  vec2 moved_before, moved_after;
  vec4 grey_before, grey_after;
};

Around around(float place) {
  int before = slice_before(place), after = min(before + 1, size.z - 1);
  vec4 one = texelFetch(slices, ivec2(0, before), 0), other = texelFetch(slices, ivec2(0, after), 0);
  float part = other.x > one.x ? clamp((place - one.x) / (other.x - one.x), 0.0, 1.0) : 0.0;
  vec4 grey_before = texelFetch(slices, ivec2(1, before), 0), grey_after = texelFetch(slices, ivec2(1, after), 0);
  return Around(before, after, part, one.yz, other.yz, grey_before, grey_after);
}

/** A sample times its weight, and the weight; padding has none. */
vec2 weighed(ivec2 place, int nth, vec2 padding, float weight) {
  // Planes go through the middles of samples: most of the others count nothing.
  if (weight <= 0.0) return vec2(0.0);
  float value = float(texelFetch(samples, ivec3(clamp(place, ivec2(0), size.xy - 1), nth), 0).r);
  return value >= padding.x && value <= padding.y ? vec2(0.0) : weight * vec2(value, 1.0);
}

/** A value of a slice between the four samples around times its weight, and the weight; none beside the slice. */
vec2 in_slice(vec2 place, int nth, vec4 grey) {
  if (any(lessThan(place, vec2(-0.5))) || any(greaterThan(place, vec2(size.xy) - 0.5))) return vec2(0.0);
  vec2 part = fract(place);
  ivec2 at = ivec2(floor(place));
  vec2 sum = weighed(at, nth, grey.zw, (1.0 - part.x) * (1.0 - part.y)) + weighed(at + ivec2(1, 0), nth, grey.zw, part.x * (1.0 - part.y))
    + weighed(at + ivec2(0, 1), nth, grey.zw, (1.0 - part.x) * part.y) + weighed(at + ivec2(1, 1), nth, grey.zw, part.x * part.y);
  return vec2(grey.x * sum.x + grey.y * sum.y, sum.y);
}

/** Between two slices. */
vec2 value_at(vec2 place, Around two) {
  vec2 sum = vec2(0.0);
  if (two.part < 1.0) sum += (1.0 - two.part) * in_slice(place - two.moved_before, two.before, two.grey_before);
  if (two.part > 0.0) sum += two.part * in_slice(place - two.moved_after, two.after, two.grey_after);
  return sum;
}

/** The next middle of a slice, which may lie beside the first one. What rounding makes of a middle is that middle. */
float middle_after(float place, vec2 moved) {
  float by = axis == 0 ? moved.x : moved.y;
  float middle = floor(place - by) + 1.0 + by;
  return middle > place + 1e-3 ? middle : middle + 1.0;
}

/** The next middle of samples on the axis of the slab, of either slice around: between two of them values lie on a line. */
float next_middle(float place, Around two) {
  if (axis != 2) return min(middle_after(place, two.moved_before), middle_after(place, two.moved_after));
  int before = slice_before(place);
  if (place < along_of(before)) return along_of(before);
  return before + 1 < size.z ? along_of(before + 1) : slab.y;
}

vec2 better(vec2 best, vec2 point) {
  if (point.y <= 0.0) return best;
  float value = point.x / point.y;
  if (best.y <= 0.0) return vec2(value, point.y);
  return vec2(projection == 1 ? max(best.x, value) : min(best.x, value), max(best.y, point.y));
}

/** Through the slab. What of it is no picture takes no part, and makes nothing darker. */
vec2 projected(vec3 place) {
  place[axis] = slab.x;
  if (place.z < along.x || place.z > along.y) return vec2(0.0);
  Around two = around(place.z);
  vec2 point = value_at(place.xy, two);
  if (slab.y <= slab.x) return point;
  vec2 best = better(vec2(0.0), point), sum = vec2(0.0);
  float from = slab.x;
  for (int nth = 0; nth < POINTS_MAX && from < slab.y; nth++) {
    float to = min(next_middle(from, two), slab.y);
    place[axis] = to;
    if (axis == 2) two = around(to);
    vec2 next = value_at(place.xy, two);
    // Exact, as values lie on lines.
    sum += (to - from) * 0.5 * (point + next);
    best = better(best, next);
    point = next;
    from = to;
  }
  float value = projection == 0 ? sum.x / max(sum.y, 1e-12) : best.x;
  return vec2(value, 1.0) * best.y;
}

void main() {
  size = textureSize(samples, 0);
  vec2 top_left = vec2(gl_FragCoord.x, height - gl_FragCoord.y) - 0.5;
  vec2 sum = vec2(0.0);
  for (int y = 0; y < grid; y++) {
    for (int x = 0; x < grid; x++) {
      vec2 pixel = top_left + (vec2(x, y) + 0.5) / float(grid);
      vec2 at = origin + pixel.x * across + pixel.y * down;
      sum += projected(corner + at.x * to_right + at.y * to_below);
    }
  }
  resampled = ivec2(0);
  if (sum.y > 0.0) resampled = floatBitsToInt(vec2(sum.x / sum.y, min(sum.y / float(grid * grid), 1.0)));
}`;
