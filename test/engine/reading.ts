/** Reads texts into one column, fast and carefully, for tests. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ColumnDefinition, Columns } from '../../lib/define/definition.ts'
import { csv, parquet } from '../../lib/define/index.ts'
import { type Engine, openEngine } from '../../lib/duckdb/engine.ts'
import type { Converted } from '../../lib/engine/conversion.ts'
import { parsingOf } from '../../lib/engine/read/text/parsed-rows.ts'
import { openTask, type TaskEngine } from '../../lib/engine/task-engine.ts'
import { createStage, type StageOptions } from '../../lib/stage/stage.ts'
import { rowsOf } from './converting.ts'

/** The result for one text: the value as the engine prints it, or what the reject says. */
export type Read = { readonly value: string | null } | { readonly expected: string; readonly received: string }

/** `texts` are fields as they stand in the CSV file, quotes included. Both ways of reading must agree, else this throws. */
export async function readTexts(
  column: ColumnDefinition,
  texts: readonly string[],
  { strict = true }: { readonly strict?: boolean } = {},
): Promise<Read[]> {
  const folder = mkdtempSync(join(tmpdir(), 'fanmill-read-'))
  const engine = await openEngine({
    folders: [folder],
    tempFolder: join(folder, 'spill'),
    memoryBytes: 256 * 1024 * 1024,
  })
  try {
    const task = await openReader(engine, column, strict)
    const columns = columnsOf(column)
    const opened = { task, folder, parsing: parsingOf(format, { columns, strict }) }
    const careful = await readCarefully(opened, texts)
    for (const [index, text] of texts.entries()) {
      const fast = await readOne(opened, text)
      const same =
        JSON.stringify(fast ?? 'reject') ===
        JSON.stringify('value' in (careful[index] as Read) ? careful[index] : 'reject')
      if (!same)
        throw new Error(
          `${text} is ${JSON.stringify(fast ?? 'a reject')} when read fast, ${JSON.stringify(careful[index])} when read carefully`,
        )
    }
    return careful
  } finally {
    engine.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const format = csv()

function openReader(engine: Engine, column: ColumnDefinition, strict: boolean): Promise<TaskEngine> {
  const columns = columnsOf(column)
  return openTask(
    engine,
    { format, columns, steps: [], tables: [], strict, provenance: [], parts: parquet({ path: 'p' }) },
    {},
  )
}

const columnsOf = (x: ColumnDefinition): Columns => ({ x, k: { kind: 'column', type: 'int32' } })

let conversions = 0

interface Opened {
  readonly task: TaskEngine
  readonly folder: string
  readonly parsing: StageOptions['parsing']
}

async function convertTexts(
  { task, folder, parsing }: Opened,
  { texts, isCareful }: { readonly texts: readonly string[]; readonly isCareful: boolean },
): Promise<Converted> {
  const name = `c${conversions++}`
  const stage = createStage({ folder, format, located: isCareful, stageBytesMax: 1e8, name, parsing })
  stage.add(Buffer.from(`x,k\n${texts.map((text, index) => `${text},${index}\n`).join('')}`), {
    archive: 'a',
    member: 'm',
  })
  return task.convert({ files: stage.finish(), target: join(folder, `${name}-part`), isCareful })
}

async function readOne(opened: Opened, text: string): Promise<Read | undefined> {
  const converted = await convertTexts(opened, { texts: [text], isCareful: false })
  if (converted.kind !== 'parts') return undefined
  const [row] = await rowsOf(converted.parts.map(part => part.file))
  return { value: row?.x ?? null }
}

async function readCarefully(opened: Opened, texts: readonly string[]): Promise<Read[]> {
  const converted = await convertTexts(opened, { texts, isCareful: true })
  if (converted.kind !== 'parts') throw new Error(converted.kind)
  const reads: Read[] = []
  for (const row of await rowsOf(converted.parts.map(part => part.file)))
    reads[Number(row.k)] = { value: row.x ?? null }
  for (const row of await rowsOf(converted.rejects.map(each => each.file)))
    reads[Number(row.record) - 1] = { expected: String(row.expected), received: String(row.received) }
  return reads
}
