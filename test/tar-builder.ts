/** Builds tar archives (ustar) of any members, for tests that need many or large ones. */

/** Returns an archive with its end. */
export function buildTar(members: Readonly<Record<string, string | Uint8Array>>): Buffer {
  const blocks = Object.entries(members).flatMap(([name, data]) => {
    const content = Buffer.from(data as Uint8Array)
    return [header(name, content.length), content, Buffer.alloc(-content.length & 511)]
  })
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}

function header(name: string, sizeBytes: number): Buffer {
  const block = Buffer.alloc(512)
  block.write(name, 0)
  block.write(`${sizeBytes.toString(8).padStart(11, '0')}\0`, 124)
  block.write('        0', 148)
  block.write('ustar\x0000', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}
