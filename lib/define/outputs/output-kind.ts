/** The table of the kinds of outputs, as data: what a run writes of its rows or members, and how others may use it. */
import type { ExchangeOutput, RowOrder } from '../steps/exchange-definition.ts'
import type { BucketBy, Output, ParquetOutput, SinkOutput } from './output-definition.ts'

/** How rows become Parquet parts. */
export type PartLayout = Pick<
  ParquetOutput,
  'partitionBy' | 'sortBy' | 'compression' | 'partBytes' | 'rowGroupRows' | 'bloomFilters' | 'partitionsMax'
> & {
  /** Set where the files belong to a Delta table, which has fewer types: some values are stored as another type. */
  readonly isDelta?: boolean
  /** Set where parts are kept by key. */
  readonly bucketBy?: BucketBy
  /** Set where rows are in order over all parts. */
  readonly order?: RowOrder
}

export interface OutputKind {
  /** How an engine writes the rows. Absent where members are written as they are: the task needs no format, no columns and no engine. */
  readonly layout?: PartLayout
  /** The objects that a run adds below the output's folder: one for each part, one for each member, or nothing. */
  readonly adds: 'parts' | 'members' | 'nothing'
  /** The keys of these objects below the folder, as a pattern of which `*` is any text. Absent where nothing is added. */
  readonly keys?: string
  /** How rows are distributed over the files for the next stage, whose rows are never committed; absent for all other outputs. */
  readonly exchange?: ExchangeOutput
  /** The function that gets the rows; absent where they are written to the store. */
  readonly delivery?: Pick<SinkOutput, 'write' | 'isDone' | 'batchRows' | 'concurrency'>
  /**
   * Set where a repeated batch must have the same rows in the same pieces, on any machine: the bytes of text that are staged at once.
   * Files are then not cut by byte ranges, whose first records are found only when their neighbours are read.
   */
  readonly pieceBytes?: number
  /** The files of its own log below the folder, as such a pattern. Absent where it has none. */
  readonly log?: string
  /** The files that other tasks read of it below the folder, as such a pattern. Default `keys`. */
  readonly reads?: string
  /** Whether its parts are a dataset that other tasks of the pipeline read with `partitionsOf`. */
  readonly isDataset: boolean
  /** Whether its parts are removed once every task that reads them is complete. */
  readonly isTemporary?: boolean
  /** Whether a batch needs no worker threads: its work is a program, or the call of a service. */
  readonly isThreadless?: boolean
  /** Whether other programs find its parts by listing the folder, so that a table of a catalogue can be made over it. */
  readonly isListed?: boolean
  /** Whether the time of a batch follows from its bytes. Absent where it may take as long as its function. */
  readonly isTimedByBytes?: boolean
}

/** How the files of parts end, which are all Parquet. */
export const partEnding = '.parquet'

const parts = { adds: 'parts', keys: `*part-*${partEnding}`, isDataset: true, isTimedByBytes: true } as const

/** Rows on their way to a function, or to the next stage: files that are read once and removed. */
const passingLayout: PartLayout = {
  ...{ partitionBy: [], sortBy: [], partitionsMax: 1 },
  ...{ compression: 'uncompressed', bloomFilters: false },
  ...{ rowGroupRows: 122_880, partBytes: Number.MAX_SAFE_INTEGER },
}

const kinds: { readonly [K in Output['kind']]: (output: Extract<Output, { kind: K }>) => OutputKind } = {
  parquet: output => ({ layout: output, ...parts, isListed: true }),
  memberFiles: () => ({ adds: 'members', keys: '*', isDataset: false, isTimedByBytes: true }),
  exchange: output => ({
    ...{ layout: passingLayout, adds: 'nothing', isDataset: false, isTimedByBytes: true },
    exchange: output,
  }),
  sink: output => ({
    ...{ layout: passingLayout, adds: 'nothing', isDataset: false },
    ...{ delivery: output, pieceBytes: 16 * 2 ** 20 },
  }),
  delta: output => ({
    ...{ layout: { ...output, isDelta: true }, ...parts, log: '*_delta_log/*' },
    // Other programs give their files other names.
    reads: '*',
  }),
  temporary: output => ({ layout: output, ...parts, isTemporary: true }),
  target: () => ({ adds: 'nothing', isDataset: false, isThreadless: true }),
}

export function outputKind<K extends Output['kind']>(output: Extract<Output, { kind: K }>): OutputKind {
  const kind: (output: Extract<Output, { kind: K }>) => OutputKind = kinds[output.kind as K]
  return kind(output)
}

/** Whether its path moves with the code of the task, and with all that the task requires. */
export const isSalted = (output: Output): boolean => 'salted' in output && output.salted

export const outputKindNames = Object.keys(kinds) as readonly Output['kind'][]

/** The names of the kinds that users can write. */
export const userOutputKinds = outputKindNames.filter(name => name !== 'exchange' && name !== 'target')

/** Returns how the rows of an output become parts; undefined where members are written as they are. */
export const layoutOf = (output: Output): PartLayout | undefined => outputKind(output).layout
