/** Generates each input of the benchmark once; `node bench/generate.ts [NAME…]` generates them ahead of time. */
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { crc32, gzipSync } from 'node:zlib'
import { Piscina } from 'piscina'
import type { Piece, PieceBytes } from './generate-worker.ts'
import { dataFolder, type Input, type InputFacts, type InputName, inputPath, inputs, memberRows } from './inputs.ts'
import { ZipWriter } from './zip-writer.ts'

/** Generates an input unless it exists. Its `.facts.json` is written last, so that an interrupted input is generated again. */
export async function generate(name: InputName): Promise<void> {
  const path = inputPath(name)
  if (existsSync(`${path}.facts.json`)) return
  mkdirSync(dataFolder, { recursive: true })
  const pool = new Piscina({ filename: new URL('generate-worker.ts', import.meta.url).href })
  rmSync(`${path}.pending`, { recursive: true, force: true })
  const inflatedBytes = await writers[inputs[name].form](`${path}.pending`, inputs[name], pool)
  await pool.destroy()
  renameSync(`${path}.pending`, path)
  writeFileSync(`${path}.facts.json`, JSON.stringify({ rows: inputs[name].rows, inflatedBytes } satisfies InputFacts))
}

type Pool = Piscina<readonly Piece[], readonly PieceBytes[]>
type Writer = (path: string, input: Input, pool: Pool) => Promise<number>

const writers: Readonly<Record<Input['form'], Writer>> = {
  members: writeMembers,
  member: writeMember,
  text: writeText,
  gzip: writeGzip,
  files: writeFiles,
  gzips: writeFiles,
}

/** Rows of one piece of a long text, about 2 MB. */
const pieceRows = 25_000

/** The empty last block, which ends a deflate stream of parts. */
const lastBlock = Uint8Array.of(0x03, 0x00)

async function writeMembers(path: string, input: Input, pool: Pool): Promise<number> {
  const zip = new ZipWriter(path)
  let inflatedBytes = 0
  let member = 0
  for await (const { text, deflated } of piecesOf(input, input.memberRows ?? memberRows, 'whole', pool)) {
    zip.begin(memberName(member++))
    zip.write(deflated)
    zip.finish(crc32(text), text.length)
    inflatedBytes += text.length
  }
  zip.end()
  return inflatedBytes
}

/** Names a member after its day and shop; each day has twenty shops. */
function memberName(member: number): string {
  const day = String(Math.floor(member / 20)).padStart(4, '0')
  return `export/day-${day}/shop-${String((member % 20) + 1).padStart(2, '0')}.csv`
}

/** Writes small files into folders of a thousand. */
async function writeFiles(path: string, input: Input, pool: Pool): Promise<number> {
  let inflatedBytes = 0
  let count = 0
  for await (const { text } of piecesOf(input, input.memberRows ?? memberRows, 'none', pool)) {
    const folder = join(path, `folder-${String(Math.floor(count / 1000)).padStart(3, '0')}`)
    if (count % 1000 === 0) mkdirSync(folder, { recursive: true })
    const name = `file-${String(count++).padStart(6, '0')}.csv`
    if (input.form === 'gzips') writeFileSync(join(folder, `${name}.gz`), gzipSync(text))
    else writeFileSync(join(folder, name), text)
    inflatedBytes += text.length
  }
  return inflatedBytes
}

async function writeMember(path: string, input: Input, pool: Pool): Promise<number> {
  const zip = new ZipWriter(path)
  zip.begin('export/orders.csv')
  const { crc, inflatedBytes } = await writeParts(input, pool, bytes => zip.write(bytes))
  zip.finish(crc, inflatedBytes)
  zip.end()
  return inflatedBytes
}

async function writeGzip(path: string, input: Input, pool: Pool): Promise<number> {
  const file = openSync(path, 'w')
  writeSync(file, Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3))
  const { crc, inflatedBytes } = await writeParts(input, pool, bytes => writeSync(file, bytes))
  writeSync(file, new Uint8Array(Uint32Array.of(crc, inflatedBytes).buffer))
  closeSync(file)
  return inflatedBytes
}

async function writeParts(input: Input, pool: Pool, write: (bytes: Uint8Array) => void) {
  let crc = 0
  let inflatedBytes = 0
  for await (const { text, deflated } of piecesOf(input, pieceRows, 'part', pool)) {
    crc = crc32(text, crc)
    inflatedBytes += text.length
    write(deflated)
  }
  write(lastBlock)
  return { crc, inflatedBytes }
}

async function writeText(path: string, input: Input, pool: Pool): Promise<number> {
  const file = openSync(path, 'w')
  let inflatedBytes = 0
  for await (const { text } of piecesOf(input, pieceRows, 'none', pool)) {
    writeSync(file, text)
    inflatedBytes += text.length
  }
  closeSync(file)
  return inflatedBytes
}

/** Yields the pieces in order. Up to eight messages are generated ahead, at most 16 MB of text. */
async function* piecesOf({ form, style, rows }: Input, count: number, deflate: Piece['deflate'], pool: Pool) {
  const ahead: Promise<readonly PieceBytes[]>[] = []
  let start = 0
  while (start < rows || ahead.length > 0) {
    while (start < rows && ahead.length < 8) {
      const pieces: Piece[] = []
      for (const end = Math.min(rows, start + pieceRows); start < end; start += count)
        pieces.push({ style, start, count, hasHeader: hasWholePieces(form) || start === 0, deflate })
      ahead.push(pool.run(pieces))
    }
    yield* (await ahead.shift()) ?? []
  }
}

/** Tells whether each piece is a text of its own, with a header. */
const hasWholePieces = (form: Input['form']): boolean => form === 'members' || form === 'files' || form === 'gzips'

if (process.argv[1] === import.meta.filename) {
  const names = process.argv.slice(2)
  for (const name of Object.keys(inputs) as InputName[]) {
    if (names.length > 0 && !names.includes(name)) continue
    const start = performance.now()
    await generate(name)
    console.log(`${name}: ${inputPath(name)}, ${((performance.now() - start) / 1000).toFixed(1)} s`)
  }
}
