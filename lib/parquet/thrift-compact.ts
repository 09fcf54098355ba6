/** Reads and writes Thrift's compact protocol, the encoding of Parquet footers. */

/** The bytes end before the value does, or are not a valid value. */
export class ThriftError extends Error {}

/** Wire types of fields and list elements; a boolean field has its value in its type. */
export const wire = {
  true: 1,
  false: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
  uuid: 13,
} as const

/** The deepest nesting of structures: honest footers have about six levels, and very many would exhaust the stack. */
const depthMax = 64

export interface ThriftField {
  readonly id: number
  readonly type: number
}

/** Reads values from bytes. Every read is checked against their end. */
export class ThriftReader {
  at = 0
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  byte(): number {
    const value = this.bytes[this.at++]
    if (value === undefined) throw new ThriftError(`expected a byte at offset ${this.at - 1}, got the end`)
    return value
  }

  /** Reads an unsigned number of up to 64 bits; exact below 2^53. */
  varint(): number {
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte()
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new ThriftError(`expected a number of at most ten bytes before offset ${this.at}`)
  }

  /** Reads a signed number; exact between -2^53 and 2^53. */
  int(): number {
    const value = this.varint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  binary(): Uint8Array {
    const length = this.varint()
    const start = this.at
    if (length > this.bytes.length - start)
      throw new ThriftError(`expected ${length} bytes at offset ${start}, got fewer`)
    this.at += length
    return this.bytes.subarray(start, this.at)
  }

  text(): string {
    return new TextDecoder().decode(this.binary())
  }

  listHead(): { readonly count: number; readonly type: number } {
    const head = this.byte()
    const count = head >> 4 === 15 ? this.varint() : head >> 4
    // An element takes at least a byte.
    if (count > this.bytes.length - this.at)
      throw new ThriftError(`expected a list of ${count} at offset ${this.at}, got the end`)
    return { count, type: head & 15 }
  }

  /** Reads the fields of a structure in their order; `visit` returns false for a field that it did not read. */
  fields(visit: (field: ThriftField) => boolean, depth = 0): void {
    if (depth > depthMax) throw new ThriftError(`expected at most ${depthMax} structures in one another`)
    let id = 0
    for (let head = this.byte(); head !== 0; head = this.byte()) {
      const type = head & 15
      id = head >> 4 === 0 ? this.int() : id + (head >> 4)
      if (!visit({ id, type })) this.skip(type, depth)
    }
  }

  skip(type: number, depth = 0): void {
    if (type === wire.true || type === wire.false) return
    if (type === wire.byte) this.at += 1
    else if (type >= wire.i16 && type <= wire.i64) this.varint()
    else if (type === wire.double) this.at += 8
    else if (type === wire.uuid) this.at += 16
    else if (type === wire.binary) this.binary()
    else if (type === wire.struct) this.fields(() => false, depth + 1)
    else if (type === wire.list || type === wire.set) this.#skipList(depth)
    else if (type === wire.map) this.#skipMap(depth)
    else throw new ThriftError(`expected a type from 1 to 13 before offset ${this.at}, got ${type}`)
    if (this.at > this.bytes.length) throw new ThriftError('expected a value, got the end')
  }

  #skipList(depth: number): void {
    const { count, type } = this.listHead()
    for (let index = 0; index < count; index++) this.#skipElement(type, depth)
  }

  #skipMap(depth: number): void {
    const count = this.varint()
    if (count === 0) return
    const types = this.byte()
    for (let index = 0; index < count; index++) {
      this.#skipElement(types >> 4, depth)
      this.#skipElement(types & 15, depth)
    }
  }

  /** Skips an element of a list; a boolean takes a byte there, and none as a field. */
  #skipElement(type: number, depth: number): void {
    if (depth > depthMax) throw new ThriftError(`expected at most ${depthMax} lists in one another`)
    this.skip(type === wire.true || type === wire.false ? wire.byte : type, depth + 1)
  }
}

/** Collects the bytes of a structure in a buffer, which grows by half. */
export class ThriftWriter {
  #bytes = new Uint8Array(1024)
  #length = 0
  #lastId = 0

  /** Begins a field; ids must increase, by at most 15. */
  field(id: number, type: number): this {
    this.#push(((id - this.#lastId) << 4) | type)
    this.#lastId = id
    return this
  }

  varint(value: number): this {
    let rest = value
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) this.#push((rest % 128) | 0x80)
    this.#push(rest)
    return this
  }

  int(value: number): this {
    return this.varint(value < 0 ? -value * 2 - 1 : value * 2)
  }

  binary(bytes: Uint8Array): this {
    return this.varint(bytes.length).raw(bytes)
  }

  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  listHead(count: number, type: number): this {
    if (count < 15) this.#push((count << 4) | type)
    else {
      this.#push(0xf0 | type)
      this.varint(count)
    }
    return this
  }

  /** Ends the structure; the ids of the next one begin again. */
  stop(): this {
    this.#push(0)
    this.#lastId = 0
    return this
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  #push(byte: number): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = byte
  }

  #reserve(lengthBytes: number): void {
    const needed = this.#length + lengthBytes
    if (needed <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(needed, Math.ceil(1.5 * this.#bytes.length)))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}
