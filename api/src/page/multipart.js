// The parts of a multipart body (RFC 2046 5.1), each as soon as it is whole.

const HEAD_BYTES_MAX = 16 * 1024;
const BODY_BYTES_MAX = 256 * 1024 * 1024;
const LINE_END = [13, 10];
const HEAD_END = [13, 10, 13, 10];

/** Bytes go in as they come, parts come out as `{fields, body}`. Each part has to say its `Content-Length`. */
export class Parts {
  #delimiter;
  #held = new Uint8Array(64 * 1024);
  #length = 0;
  #fields = null;

  /** `contentType` is that of the whole answer, and names the boundary. */
  constructor(contentType) {
    const boundary = /;\s*boundary="?([^";]+)"?/i.exec(contentType ?? "")?.[1];
    if (!boundary) throw new Error("the answer is not of parts");
    this.#delimiter = new TextEncoder().encode(`--${boundary}`);
  }

  /** The parts that `chunk` made whole. */
  *push(chunk) {
    this.#hold(chunk);
    for (;;) {
      this.#fields ??= this.#takeHead();
      if (!this.#fields) return;
      const length = Number(this.#fields.get("content-length") ?? NaN);
      if (!(length >= 0 && length <= BODY_BYTES_MAX)) throw new Error("a part does not say its length");
      if (this.#length < length) return;
      const body = this.#held.slice(0, length);
      this.#drop(length);
      const fields = this.#fields;
      this.#fields = null;
      yield { fields, body };
    }
  }

  /** The fields of the next part; `null` while they are not all here, and after the last part. */
  #takeHead() {
    const start = this.#find(this.#delimiter, 0);
    if (start < 0) return null;
    const lines = start + this.#delimiter.length;
    const end = this.#find(HEAD_END, lines);
    if (end < 0) {
      if (this.#length - start > HEAD_BYTES_MAX) throw new Error("the head of a part is too long");
      return null;
    }
    const head = new TextDecoder("latin1").decode(this.#held.subarray(lines + LINE_END.length, end));
    this.#drop(end + HEAD_END.length);
    return new Map(head.split("\r\n").map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }));
  }

  #find(bytes, from) {
    const last = Math.min(this.#length, from + HEAD_BYTES_MAX) - bytes.length;
    for (let at = from; at <= last; at += 1) {
      let same = 0;
      while (same < bytes.length && this.#held[at + same] === bytes[same]) same += 1;
      if (same === bytes.length) return at;
    }
    return -1;
  }

  #hold(chunk) {
    const needed = this.#length + chunk.length;
    if (needed > this.#held.length) {
      const larger = new Uint8Array(Math.max(needed, this.#held.length * 2));
      larger.set(this.#held.subarray(0, this.#length));
      this.#held = larger;
    }
    this.#held.set(chunk, this.#length);
    this.#length = needed;
  }

  #drop(count) {
    this.#held.copyWithin(0, count, this.#length);
    this.#length -= count;
  }
}
