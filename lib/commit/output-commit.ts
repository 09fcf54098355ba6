/** The table of what commit checks of an output's folder, by kind of output. */
import type { Output, OutputMode } from '../define/outputs/output-definition.ts'
import { partEnding } from '../define/outputs/output-kind.ts'
import type { Manifest } from '../model/outcome/manifest.ts'
import { runOfPart } from '../model/outcome/part-name.ts'
import { attemptText, type RunName } from '../model/run/identity.ts'
import type { Actor } from '../state/files.ts'
import type { Head } from '../state/state.ts'
import { type Current, readCurrent } from './head.ts'
import { viewTable } from './table-view.ts'

/** The run that is to write into the output. */
export interface WritingRun {
  readonly runId: string
  readonly attempt?: number
  readonly outputPath: string
  readonly outputKind: Output['kind']
}

export interface OutputCommit {
  /** Whether rows that stay beside those of the run must have the same columns and partitions. */
  readonly hasShape: boolean
  /** Whether the rows of the dataset are those of its parts, of which a later run may replace some. */
  readonly hasRowsInParts: boolean
  /**
   * Returns whether a file in the folder that the manifest does not name may not stay, by its name below the folder; `written`
   * are the paths of the members that the run extracts. Undefined where every such file may stay.
   */
  inTheWay(written: ReadonlySet<string>): ((name: string) => boolean) | undefined
  /** The kind of such files, for a message. */
  readonly foreignFiles: string
  /** Whether a dataset without rows has a part all the same, for its columns. */
  readonly hasEmptyPart: boolean
  /** The log that says which parts count. Absent where the manifest does. */
  readonly log?: Manifest['log']
  /** Returns the state of an output as its own log tells it. Absent where the manifest is the truth. */
  view?(actor: Actor, run: ViewingRun, current: Current): Promise<Current>
  /** Returns the attempts whose commits may have left these files. */
  attemptsOf(keys: readonly string[], run: WritingRun): RunName[]
}

/** The run for which the state of an output is read. */
export type ViewingRun = Pick<WritingRun, 'outputPath' | 'outputKind'> & { readonly mode: OutputMode }

/** Reads the present state of an output. */
export async function currentOf(actor: Actor, head: Head, run: ViewingRun): Promise<Current> {
  const current = await readCurrent(actor.store, head)
  return (await outputCommits[run.outputKind].view?.(actor, run, current)) ?? current
}

/** Parts are found by a listing, and so are those of others: any Parquet file is refused that readers would take for a part. */
const parquet: OutputCommit = {
  hasShape: true,
  hasRowsInParts: true,
  hasEmptyPart: true,
  inTheWay: () => name => name.endsWith(partEnding) && !isHidden(name),
  foreignFiles: 'Parquet files',
  attemptsOf: attemptsOfParts,
}

/** A function writes elsewhere: the folder only records the runs. */
const sink: OutputCommit = {
  hasShape: false,
  hasRowsInParts: false,
  hasEmptyPart: false,
  inTheWay: () => undefined,
  foreignFiles: 'files',
  attemptsOf: () => [],
}

/** Any other file may stay beside extracted members. They have the names of their members: only the run itself is known to write them. */
const memberFiles: OutputCommit = {
  hasShape: false,
  hasRowsInParts: false,
  hasEmptyPart: false,
  inTheWay: written => (written.size > 0 ? name => written.has(name) : undefined),
  foreignFiles: 'files of the same names',
  attemptsOf: (_, { runId, attempt = 1 }) =>
    Array.from({ length: attempt - 1 }, (_, index) => ({ runId, attempt: index + 1 })),
}

/** Files that the table's log does not name are nobody's: they may stay. */
const delta: OutputCommit = {
  hasShape: false,
  hasRowsInParts: true,
  hasEmptyPart: false,
  log: 'delta',
  view: viewTable,
  inTheWay: () => undefined,
  foreignFiles: 'files',
  attemptsOf: () => [],
}

export const outputCommits: { readonly [K in Output['kind']]: OutputCommit } = {
  parquet,
  memberFiles,
  sink,
  // Its rows are below the state, and never committed.
  exchange: sink,
  delta,
  temporary: parquet,
  target: sink,
}

function isHidden(name: string): boolean {
  return name.split('/').some(segment => segment.startsWith('.') || (segment.startsWith('_') && !segment.includes('=')))
}

function attemptsOfParts(keys: readonly string[]): RunName[] {
  const names = new Map<string, RunName>()
  for (const key of keys) {
    const name = runOfPart(key)
    if (name) names.set(attemptText(name), name)
  }
  return [...names.values()]
}
