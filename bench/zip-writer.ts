/** Writes a zip of members from pieces that are already deflated. */
import { closeSync, openSync, writeSync } from 'node:fs'

/** Writes up to 4 GiB, with a zip64 end record for more than 65,534 members. */
export class ZipWriter {
  readonly #file: number
  readonly #directory: Buffer[] = []
  #offset = 0
  #headerOffset = 0
  #name: Buffer = Buffer.alloc(0)

  constructor(path: string) {
    this.#file = openSync(path, 'w')
  }

  /** Leaves room for the member's header, which is known after its last piece. */
  begin(name: string): void {
    this.#headerOffset = this.#offset
    this.#name = Buffer.from(name)
    this.#offset += 30 + this.#name.length
  }

  /** Writes a piece of the member's deflated bytes. */
  write(bytes: Uint8Array): void {
    writeSync(this.#file, bytes, 0, bytes.length, this.#offset)
    this.#offset += bytes.length
  }

  finish(crc: number, inflatedBytes: number): void {
    const common = this.#commonHeader(crc, inflatedBytes)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, this.#name])
    writeSync(this.#file, local, 0, local.length, this.#headerOffset)
    const entry = Buffer.alloc(16)
    entry.writeUInt32LE(0o100644 * 0x10000, 6) // 38 - external file attributes: a regular file
    entry.writeUInt32LE(this.#headerOffset, 10) // 42 - relative offset of local header
    const version = Buffer.from('PK\x01\x02\x14\x03', 'latin1') // 4 - version made by: 2.0, UNIX
    this.#directory.push(Buffer.concat([version, common, entry.subarray(0, 14), this.#name]))
  }

  end(): void {
    const directory = Buffer.concat(this.#directory)
    const count = this.#directory.length
    const isZip64 = count >= 0xffff
    const end = Buffer.alloc(22)
    end.write('PK\x05\x06', 0, 'latin1')
    end.writeUInt16LE(isZip64 ? 0xffff : count, 8) // 8 - entries on this disk
    end.writeUInt16LE(isZip64 ? 0xffff : count, 10) // 10 - entries
    end.writeUInt32LE(directory.length, 12) // 12 - bytes of the central directory
    end.writeUInt32LE(this.#offset, 16) // 16 - its offset
    const directoryOffset = this.#offset
    this.write(directory)
    if (isZip64) this.write(zip64End(count, directory.length, directoryOffset))
    this.write(end)
    closeSync(this.#file)
  }

  /** Makes the 26 bytes that local header and directory entry share, from "version needed" to "extra field length". */
  #commonHeader(crc: number, inflatedBytes: number): Buffer {
    const header = Buffer.alloc(26)
    header.writeUInt16LE(20, 0) // version needed to extract: 2.0
    header.writeUInt16LE(0x0800, 2) // flags: the name is UTF-8
    header.writeUInt16LE(8, 4) // method: deflated
    header.writeUInt16LE(((2025 - 1980) << 9) | (1 << 5) | 1, 8) // date: 2025-01-01, at 00:00
    header.writeUInt32LE(crc, 10)
    header.writeUInt32LE(this.#offset - this.#headerOffset - 30 - this.#name.length, 14) // deflated bytes
    header.writeUInt32LE(inflatedBytes, 18)
    header.writeUInt16LE(this.#name.length, 22)
    return header
  }
}

/** The zip64 end record and its locator: 4.3.14 and 4.3.15 of APPNOTE.TXT. */
function zip64End(count: number, directoryBytes: number, directoryOffset: number): Buffer {
  const record = Buffer.alloc(56 + 20)
  record.write('PK\x06\x06', 0, 'latin1')
  record.writeBigUInt64LE(44n, 4) // 4 - size of the rest of the record
  record.writeUInt16LE(45, 12) // 12 - version made by: 4.5
  record.writeUInt16LE(45, 14) // 14 - version needed to extract
  record.writeBigUInt64LE(BigInt(count), 24) // 24 - entries on this disk
  record.writeBigUInt64LE(BigInt(count), 32) // 32 - entries
  record.writeBigUInt64LE(BigInt(directoryBytes), 40) // 40 - bytes of the central directory
  record.writeBigUInt64LE(BigInt(directoryOffset), 48) // 48 - its offset
  record.write('PK\x06\x07', 56, 'latin1')
  record.writeBigUInt64LE(BigInt(directoryOffset + directoryBytes), 64) // 8 - offset of the record
  record.writeUInt32LE(1, 72) // 16 - number of disks
  return record
}
