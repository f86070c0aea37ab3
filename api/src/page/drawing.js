// What is drawn over a picture: measurements with their values, and the slices of other panes.

const NAMESPACE = "http://www.w3.org/2000/svg";
/** Pixels of the stage from a point to its text. */
const AWAY = 8;
const LINE_HEIGHT = 15;
const HANDLE = 4;

/** An element of a drawing. */
export function shape(tag, attributes = {}, ...children) {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A point of the frame as one of the stage. */
export const place = ([a, b, c, d, e, f], { x, y }) => ({ x: a * x + c * y + e, y: b * x + d * y + f });

/** A point of the stage as one of the frame. */
export function placeBack([a, b, c, d, e, f], { x, y }) {
  const determinant = a * d - b * c;
  return { x: (d * (x - e) - c * (y - f)) / determinant, y: (a * (y - f) - b * (x - e)) / determinant };
}

/** A measurement; `lines` is what is written beside it. */
export function drawNote({ kind, points }, matrix, lines, isChosen) {
  const seen = points.map((point) => place(matrix, point));
  const group = shape("g", { class: isChosen ? "note chosen" : "note" });
  group.append(outline(kind, seen));
  for (const { x, y } of kind === "probe" ? [] : seen) group.append(shape("circle", { class: "handle", cx: x, cy: y, r: HANDLE }));
  const right = seen.reduce((most, point) => (point.x > most.x ? point : most));
  const words = shape("text", { x: right.x + AWAY, y: right.y + LINE_HEIGHT / 3 });
  lines.forEach((line, nth) => words.append(shape("tspan", { x: right.x + AWAY, dy: nth ? LINE_HEIGHT : 0 }, line)));
  group.append(words);
  return group;
}

function outline(kind, seen) {
  const [{ x, y }, to = { x, y }] = seen;
  if (kind === "probe") return shape("path", { d: `M${x - 7} ${y}H${x + 7}M${x} ${y - 7}V${y + 7}` });
  if (kind === "length" || kind === "angle") return shape("polyline", { points: seen.map((point) => `${point.x},${point.y}`).join(" ") });
  // A picture is turned by quarters: what is upright in it is upright on the stage.
  const [left, top, wide, high] = [Math.min(x, to.x), Math.min(y, to.y), Math.abs(x - to.x), Math.abs(y - to.y)];
  if (kind === "rectangle") return shape("rect", { x: left, y: top, width: wide, height: high });
  return shape("ellipse", { cx: left + wide / 2, cy: top + high / 2, rx: wide / 2, ry: high / 2 });
}
