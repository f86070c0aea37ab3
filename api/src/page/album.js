// The pictures that this page keeps.

/** Pictures by address, the least recently shown dropped first. */
export class Album {
  static BYTES_MAX = 192 * 1024 * 1024;
  #pictures = new Map();
  #bytes = 0;

  get(path) {
    const picture = this.#pictures.get(path);
    if (picture) {
      this.#pictures.delete(path);
      this.#pictures.set(path, picture);
    }
    return picture;
  }

  has(path) { return this.#pictures.has(path); }

  put(path, picture) {
    this.#drop(path);
    this.#pictures.set(path, picture);
    this.#bytes += picture.bytes;
    for (const oldest of this.#pictures.keys()) {
      if (this.#bytes <= Album.BYTES_MAX || this.#pictures.size <= 2) break;
      this.#drop(oldest);
    }
  }

  #drop(path) {
    const picture = this.#pictures.get(path);
    if (!picture) return;
    URL.revokeObjectURL(picture.url);
    this.#bytes -= picture.bytes;
    this.#pictures.delete(path);
  }
}
