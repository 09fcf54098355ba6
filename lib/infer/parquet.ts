/** Infers columns from the types of a Parquet file. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parquetFiles } from '../define/formats/format.ts'
import { useEngine } from '../duckdb/engine.ts'
import { prepareParquet } from '../parquet/file.ts'
import { openReader } from '../query/dataset.ts'
import { describeParquetColumns } from './infer-columns.ts'
import type { InferredText } from './sample/found-text.ts'
import type { SampleText } from './sample/sample.ts'

/** Returns the columns of the first of these files. */
export async function inferParquet([text]: readonly SampleText[], scratch: string): Promise<InferredText> {
  const file = join(scratch, 'sample.parquet')
  await writeFile(file, text ? text.open() : [])
  return useEngine(openReader([scratch], scratch), async engine => {
    const origin = { archive: text?.name ?? '', member: '', index: 0 }
    const parquet = prepareParquet(file, origin, 'checked')
    const described = await describeParquetColumns(await engine.connect(), { file, members: [origin], parquet })
    const counts = { rows: 0, rowsRejected: 0, rejects: [], notes: [], isColumnMissing: false }
    return { ...described, ...counts, format: parquetFiles() }
  })
}
