/** Writes chunks of a dataset as an Arrow IPC stream. */
import type { DuckDBVector } from '@duckdb/node-api'
import type { Data, DataType, RecordBatchStreamWriter } from 'apache-arrow'
import { quoteName } from '../duckdb/quote.ts'
import { PermanentError } from '../errors/errors.ts'
import type { SchemaColumn } from '../model/outcome/manifest.ts'
import { chosenColumns, type PartChunk } from '../query/dataset.ts'
import { type ArrowPackage, arrowColumn } from './arrow-columns.ts'

/** Yields the bytes of a stream whose batches are the chunks. @throws USAGE when the package is not installed, or for an unknown column */
export async function* arrowStream(
  schema: readonly SchemaColumn[],
  { columns }: { readonly columns?: readonly string[] | undefined } = {},
  read: (list: readonly string[]) => AsyncIterable<PartChunk>,
): AsyncGenerator<Uint8Array> {
  const names = chosenColumns({ schema, columns })
  const arrow = await loadArrow()
  const types = new Map(schema.map(({ name, type }) => [name, type]))
  const made = names.map(name => arrowColumn(arrow, types.get(name) ?? 'VARCHAR'))
  const fields = made.map(({ type }, at) => new arrow.Field(names[at] as string, type, true))
  const written = new arrow.Schema(fields)
  const sink = new (collector(arrow))()
  const writer: RecordBatchStreamWriter = new arrow.RecordBatchStreamWriter().reset(sink, written)
  const list = names.map((name, at) => (made[at]?.isText ? `CAST(${quoteName(name)} AS VARCHAR)` : quoteName(name)))
  yield* sink.take()
  for await (const { rowCount, vectors } of read(list)) {
    const children = made.map((column, at) => column.read(vectors[at] as DuckDBVector, rowCount))
    writer.write(new arrow.RecordBatch(written, structOf(arrow, fields, children, rowCount)))
    yield* sink.take()
  }
  writer.finish()
  yield* sink.take()
}

function structOf(
  arrow: ArrowPackage,
  fields: ConstructorParameters<ArrowPackage['Struct']>[0],
  children: Data<DataType>[],
  length: number,
) {
  return arrow.makeData({ type: new arrow.Struct(fields), length, nullCount: 0, children })
}

/** Returns a sink that keeps no more than what was written since it was emptied. */
function collector({ AsyncByteQueue }: ArrowPackage) {
  return class extends AsyncByteQueue {
    #written: Uint8Array[] = []

    override write(bytes: ArrayBufferLike | ArrayBufferView): void {
      const view = ArrayBuffer.isView(bytes) ? bytes : new Uint8Array(bytes)
      // Copied, because the writer uses its buffers again.
      this.#written.push(new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice())
    }

    take(): readonly Uint8Array[] {
      const taken = this.#written
      this.#written = []
      return taken
    }
  }
}

async function loadArrow(): Promise<ArrowPackage> {
  try {
    // Deliberately loaded here: programs that read no Arrow need not install it.
    return await import('apache-arrow')
  } catch (error) {
    const message = 'arrow(): expected the package apache-arrow, got none; install it: npm install apache-arrow'
    throw new PermanentError('USAGE', message, {}, { cause: error })
  }
}
