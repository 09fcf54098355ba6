/** Writes zip archives of stored members, for tests with members as text. */
import { crc32 } from 'node:zlib'

/** Returns an archive of the members, in order; less than 65,536 members and 4 GiB. */
export function zipText(members: Readonly<Record<string, string | Uint8Array>>): Uint8Array {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [name, content] of Object.entries(members)) {
    const data = Buffer.from(content as Uint8Array)
    const fields = headerFields(Buffer.from(name), data)
    const local = Buffer.concat([signature(0x04034b50), fields, Buffer.from(name), data])
    directory.push(centralEntry(Buffer.from(name), fields, offset))
    locals.push(local)
    offset += local.length
  }
  const central = Buffer.concat(directory)
  return Buffer.concat([...locals, central, endRecord(directory.length, central.length, offset)])
}

/** Returns the fields that local and central headers share: from "version needed" to "extra field length", 26 bytes. */
function headerFields(name: Buffer, data: Buffer): Buffer {
  const fields = Buffer.alloc(26)
  fields.writeUInt16LE(20, 0) // version needed to extract
  fields.writeUInt16LE(0x0800, 2) // flags: the name is UTF-8
  fields.writeUInt16LE(0, 4) // method: stored
  fields.writeUInt16LE(0x0021, 8) // date: 1980-01-01
  fields.writeUInt32LE(crc32(data), 10)
  fields.writeUInt32LE(data.length, 14) // compressed
  fields.writeUInt32LE(data.length, 18) // inflated
  fields.writeUInt16LE(name.length, 22)
  return fields
}

function centralEntry(name: Buffer, fields: Buffer, offset: number): Buffer {
  const madeBy = Buffer.from([20, 0])
  const rest = Buffer.alloc(14)
  rest.writeUInt32LE(offset, 10) // offset of the local header
  return Buffer.concat([signature(0x02014b50), madeBy, fields, rest, name])
}

function endRecord(count: number, directoryBytes: number, directoryOffset: number): Buffer {
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(count, 8) // entries on this disk
  end.writeUInt16LE(count, 10)
  end.writeUInt32LE(directoryBytes, 12)
  end.writeUInt32LE(directoryOffset, 16)
  return end
}

function signature(number: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(number)
  return bytes
}
