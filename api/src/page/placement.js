// Where the picture lies on the stage: turned, mirrored, zoomed and moved. Lengths are pixels of the page unless they say otherwise.

const SCALE_MIN = 0.02;
const SCALE_MAX = 64;
/** So much of the picture stays on the stage, wherever it is moved. */
const VISIBLE_MIN = 40;

const UPRIGHT = [1, 0, 0, 1];
const TURNS = { right: [0, 1, -1, 0], left: [0, -1, 1, 0], across: [-1, 0, 0, 1], down: [1, 0, 0, -1] };

/** `[a, b, c, d]` takes x and y to ax + cy and bx + dy. */
const apply = ([a, b, c, d], { x, y }) => ({ x: a * x + c * y, y: b * x + d * y });

export class Placement {
  /** How the picture is turned and mirrored. */
  #turned = UPRIGHT;
  /** Pixels of the page for one of the picture; `null` fits it into the stage. */
  #scale = null;
  /** From the middle of the stage to that of the picture. */
  #away = { x: 0, y: 0 };

  reset() {
    this.#turned = UPRIGHT;
    this.fit();
  }

  /** All of it as numbers, for `lie`. */
  get state() { return [...this.#turned, this.#scale ?? 0, this.#away.x, this.#away.y]; }

  /** Lies as `state` was; what is no such thing changes nothing. */
  lie([a, b, c, d, scale, x, y]) {
    const isTurn = [a, b, c, d].every((value) => [-1, 0, 1].includes(value)) && Math.abs(a * d - b * c) === 1 && a * b === 0;
    if (!isTurn || ![scale, x, y].every(Number.isFinite)) return;
    this.#turned = [a, b, c, d];
    this.#scale = scale > 0 ? Math.min(Math.max(scale, SCALE_MIN), SCALE_MAX) : null;
    this.#away = { x, y };
  }

  fit() {
    this.#scale = null;
    this.#away = { x: 0, y: 0 };
  }

  /** A pixel of the picture on each of the screen. */
  oneToOne() {
    this.#scale = 1 / devicePixelRatio;
    this.#away = { x: 0, y: 0 };
  }

  /** By a quarter to the `right` or `left`, or mirrored `across` or `down`, as it is seen now. */
  turn(how) {
    const [right, down] = [apply(TURNS[how], apply(this.#turned, { x: 1, y: 0 })), apply(TURNS[how], apply(this.#turned, { x: 0, y: 1 }))];
    this.#turned = [right.x, right.y, down.x, down.y];
    this.#away = apply(TURNS[how], this.#away);
  }

  move(dx, dy, stage, box) {
    this.#scale ??= this.scale(stage, box);
    this.#away = { x: this.#away.x + dx, y: this.#away.y + dy };
    this.#keepInSight(stage, box);
  }

  /** Zooms; what is at `point`, counted from the middle of the stage, stays there. */
  zoom(factor, point, stage, box) {
    const before = this.scale(stage, box);
    this.#scale = Math.min(Math.max(before * factor, SCALE_MIN), SCALE_MAX);
    const grown = this.#scale / before;
    const keep = (axis) => point[axis] - (point[axis] - this.#away[axis]) * grown;
    this.#away = { x: keep("x"), y: keep("y") };
    this.#keepInSight(stage, box);
  }

  scale(stage, box) {
    if (this.#scale !== null) return this.#scale;
    const seen = this.#seen(box);
    return Math.min(stage.width / seen.x, stage.height / seen.y);
  }

  /** Whether what was across in the picture is upright now. */
  get isOnItsSide() { return this.#turned[0] === 0; }

  /** The direction in the picture, as x and y, that leads to this side of the stage. */
  towards(x, y) {
    const [a, b, c, d] = this.#turned;
    return { x: a * x + b * y, y: c * x + d * y };
  }

  /** From pixels of `box`, the picture, to those of the stage, as CSS and `screen.js` take it. */
  matrix(stage, box) {
    const scale = this.scale(stage, box);
    const [a, b, c, d] = this.#turned.map((value) => value * scale);
    const middle = apply([a, b, c, d], { x: box.width / 2, y: box.height / 2 });
    // On whole pixels of the screen, so that one to one is nothing but that.
    const whole = (value) => Math.round(value * devicePixelRatio) / devicePixelRatio;
    return [a, b, c, d, whole(stage.width / 2 + this.#away.x - middle.x), whole(stage.height / 2 + this.#away.y - middle.y)];
  }

  /** The sides of the picture as it is turned. */
  #seen(box) {
    return this.isOnItsSide ? { x: box.height, y: box.width } : { x: box.width, y: box.height };
  }

  #keepInSight(stage, box) {
    const [seen, scale] = [this.#seen(box), this.scale(stage, box)];
    const within = (value, side, length) => {
      const most = Math.max(0, (side + length * scale) / 2 - VISIBLE_MIN);
      return Math.min(Math.max(value, -most), most);
    };
    this.#away = { x: within(this.#away.x, stage.width, seen.x), y: within(this.#away.y, stage.height, seen.y) };
  }
}
