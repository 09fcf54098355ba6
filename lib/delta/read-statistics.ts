/** Reads the footer of a Parquet file in a store, for the statistics of the file. */
import { PermanentError } from '../errors/errors.ts'
import { type ParquetFooter, readFooter } from '../parquet/footer.ts'
import { readTail } from '../parquet/footer-tail.ts'
import type { Store } from '../store/store.ts'
import { type FileStatistics, fileStatistics } from './file-statistics.ts'

/** Bytes of the first read: footers of common files are smaller. */
const firstBytes = 64 * 1024

/** Reads the statistics of a file that this run wrote. @throws ACCOUNT_MISMATCH for other rows than expected */
export async function readFileStatistics(
  store: Pick<Store, 'read'>,
  { key, sizeBytes, rows }: { readonly key: string; readonly sizeBytes: number; readonly rows: number },
): Promise<FileStatistics> {
  const statistics = fileStatistics(await readFooterAt(store, key, sizeBytes))
  if (statistics.numRecords === rows) return statistics
  const message = `${key}: expected ${rows} rows as its batch wrote, got ${statistics.numRecords} in its footer; nothing was committed, run again`
  throw new PermanentError('ACCOUNT_MISMATCH', message, { key, rows, got: statistics.numRecords })
}

/** Reads a footer, in at most two requests: the end of the file, and the whole footer where it is longer. */
export async function readFooterAt(store: Pick<Store, 'read'>, key: string, sizeBytes: number): Promise<ParquetFooter> {
  const read = (start: number, end: number) => store.read(key, { range: { start, end } })
  const { footer } = await readTail(read, sizeBytes, { origin: { archive: key, member: '' }, guessBytes: firstBytes })
  return readFooter(footer)
}
