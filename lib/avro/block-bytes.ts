/** Reads the binary encoding of Avro from bytes that are all there. */
import { Buffer } from 'node:buffer'
import { invalidInput } from '../errors/invalid-input.ts'

/** Seven bytes of an integer, of seven bits each, are a number without loss. */
const exactBytes = 7
/** Bytes of the longest integer. */
export const longBytesMax = 10

export class BlockBytes {
  readonly #bytes: Buffer
  at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.#bytes.length - this.at
  }

  /** Returns the next bytes: a view. @throws INPUT_INVALID where there are fewer */
  take(length: number): Buffer {
    if (length < 0 || length > this.left)
      throw invalidInput(`${length} more bytes of a value`, `${this.left}; the file is damaged`)
    this.at += length
    return this.#bytes.subarray(this.at - length, this.at)
  }

  byte(): number {
    return this.take(1)[0] as number
  }

  /** Reads an int or a long; a number where that loses nothing. */
  long(): number | bigint {
    let value = 0
    let factor = 1
    for (let count = 0; count < exactBytes; count++) {
      const byte = this.byte()
      value += (byte & 127) * factor
      if (byte < 128) return fromZigzag(value)
      factor *= 128
    }
    const byte = this.byte()
    // Four more bits are still exact.
    if (byte < 16) return fromZigzag(value + byte * factor)
    this.at--
    return this.#wholeLong(BigInt(value))
  }

  /** @throws INPUT_INVALID for one of more than 32 bits */
  int(): number {
    const value = this.long()
    if (value === Number(value) && value >= -intLimit && value < intLimit) return value
    throw invalidInput('an int of 32 bits', `${value}; the file is damaged`)
  }

  /** Reads a length or a count. */
  size(): number {
    const value = this.long()
    if (typeof value === 'number') return value
    throw invalidInput('a length or a count', `${value}; the file is damaged`)
  }

  #wholeLong(low: bigint): bigint {
    let value = low
    for (let count = exactBytes; count < longBytesMax; count++) {
      const byte = this.byte()
      // The last byte has one bit of the 64.
      if (count === longBytesMax - 1 && byte > 1) break
      value |= BigInt(byte & 127) << BigInt(7 * count)
      if (byte < 128) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n))
    }
    throw invalidInput('an integer of at most 64 bits', 'a longer one; the file is damaged')
  }
}

const intLimit = 2 ** 31

/** Decodes a zigzag code: even codes are the numbers from 0 on, odd ones the negative numbers. @see Avro specification, "Binary Encoding" */
const fromZigzag = (code: number): number => (code % 2 === 0 ? code / 2 : -(code + 1) / 2)
