/** The bits of a unit of H.264, as ITU-T H.264 clause 7.2 and 9.1 read them. Pure. */

/** Reads bits, and numbers in the code of Exp-Golomb, behind the bytes that keep start codes out. It throws `RangeError` at the end. */
export class Bits {
  readonly #bytes: number[] = []
  /** Of each of these bytes, where it lies in the unit. */
  readonly #places: number[] = []
  #at = 0

  constructor(unit: Buffer) {
    for (const [at, byte] of unit.entries()) {
      if (byte === 3 && at >= 2 && unit[at - 1] === 0 && unit[at - 2] === 0) continue
      this.#bytes.push(byte)
      this.#places.push(at)
    }
  }

  /** Bytes of the unit up to the last one of which a bit was read. */
  get bytesRead(): number {
    return this.#at === 0 ? 0 : this.#places[(this.#at - 1) >> 3]! + 1
  }

  /** A number of so many bits. Throws `RangeError`. */
  take(count: number): number {
    let value = 0
    for (let bit = 0; bit < count; bit++, this.#at++) {
      const byte = this.#bytes[this.#at >> 3]
      if (byte === undefined) throw new RangeError('the unit is cut off')
      value = value * 2 + ((byte >> (7 - (this.#at & 7))) & 1)
    }
    return value
  }

  /** Whether a bit is 1. Throws `RangeError`. */
  flag(): boolean {
    return this.take(1) === 1
  }

  /** A number from 0 on, `ue(v)`. Throws `RangeError`. */
  unsigned(): number {
    let zeros = 0
    while (this.take(1) === 0) if (++zeros > 32) throw new RangeError('a number of the unit is too long')
    return 2 ** zeros - 1 + this.take(zeros)
  }
}
