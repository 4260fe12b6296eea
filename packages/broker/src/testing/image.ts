/** Bytes that grow; what was never written is zero. */
export class Image {
  #buffer: Buffer = Buffer.alloc(0);
  #length = 0;
  #isViewed = false;

  get length(): number {
    return this.#length;
  }

  set length(length: number) {
    this.#makeRoom(length);
    if (length < this.#length) {
      this.#leaveViews();
      this.#buffer.fill(0, length, this.#length);
    }
    this.#length = length;
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** What was read stays as it was, whatever is written later. */
  view(at: number, length: number): Buffer {
    this.#isViewed = true;
    return this.bytes().subarray(at, at + length);
  }

  write(at: number, bytes: Uint8Array): void {
    const end = at + bytes.length;
    if (at < this.#length) this.#leaveViews();
    this.#makeRoom(end);
    this.#buffer.set(bytes, at);
    this.#length = Math.max(this.#length, end);
  }

  flipBit(bit: number): void {
    const at = Math.floor(bit / 8);
    this.#leaveViews();
    if (at < this.#length) this.#buffer[at] = (this.#buffer[at] as number) ^ (1 << (bit % 8));
  }

  #makeRoom(length: number): void {
    if (length <= this.#buffer.length) return;
    const larger = Buffer.alloc(Math.max(length, this.#buffer.length * 2, 4_096));
    larger.set(this.bytes());
    this.#buffer = larger;
    this.#isViewed = false;
  }

  #leaveViews(): void {
    if (!this.#isViewed) return;
    this.#buffer = Buffer.from(this.#buffer);
    this.#isViewed = false;
  }
}
