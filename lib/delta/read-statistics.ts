/** Reads the footer of a Parquet file in a store, for the statistics of the file. */
import { PermanentError } from '../errors/errors.ts'
import { type ParquetFooter, readFooter } from '../parquet/footer.ts'
import type { Store } from '../store/store.ts'
import { type FileStatistics, fileStatistics } from './file-statistics.ts'

/** A file that this run wrote. */
interface WrittenFile {
  readonly key: string
  readonly sizeBytes: number
  readonly rows: number
}

/** Bytes of the first read: footers of common files are smaller. */
const firstBytes = 64 * 1024
const tailBytes = 8

/** Reads the statistics of a file. @throws ACCOUNT_MISMATCH for other rows than expected */
export async function readFileStatistics(
  store: Pick<Store, 'read'>,
  { key, sizeBytes, rows }: WrittenFile,
): Promise<FileStatistics> {
  const statistics = fileStatistics(await readFooterAt(store, key, sizeBytes))
  if (statistics.numRecords === rows) return statistics
  const message = `${key}: expected ${rows} rows as its batch wrote, got ${statistics.numRecords} in its footer; nothing was committed, run again`
  throw new PermanentError('ACCOUNT_MISMATCH', message, { key, rows, got: statistics.numRecords })
}

/** Reads a footer, in at most two requests: the end of the file, and the whole footer where it is longer. */
export async function readFooterAt(store: Pick<Store, 'read'>, key: string, sizeBytes: number): Promise<ParquetFooter> {
  const end = await store.read(key, { range: { start: Math.max(0, sizeBytes - firstBytes), end: sizeBytes } })
  const view = new DataView(end.buffer, end.byteOffset, end.length)
  const footerBytes = view.getUint32(end.length - tailBytes, true)
  const range = { start: sizeBytes - tailBytes - footerBytes, end: sizeBytes - tailBytes }
  const footer =
    footerBytes + tailBytes <= end.length
      ? end.subarray(end.length - tailBytes - footerBytes, end.length - tailBytes)
      : await store.read(key, { range })
  return readFooter(footer)
}
