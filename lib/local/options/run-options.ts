/**
 * The options of a run, each declared here alone: its type and doc, its check, and how it is called as a flag. An option that is a setting
 * can also be a variable `FANMILL_…` and a key of the configuration file.
 */
import type { LogLevel, RunEvent } from '../../model/events.ts'
import type { RootAccess } from '../../store/roots.ts'
import {
  callback,
  count,
  flag,
  logLevel,
  type OptionKind,
  type OptionKinds,
  params,
  positiveShare,
  root,
  share,
  signal,
  text,
  textOrTexts,
} from './options.ts'

export interface RunOptions extends RootAccess {
  /** Name of the task to run, or names of several, such as `['flights', 'weather']`; default every task of the pipeline. */
  readonly task?: string | readonly string[]
  /** Values of the tasks' parameters, such as `{ month: '2001-01' }`; default those that the parameters declare. */
  readonly params?: Readonly<Record<string, unknown>>
  /** Folder, or `s3://bucket/prefix`, that paths of sources and tables start from; default the working directory. */
  readonly input?: string
  /** Folder, or `s3://bucket/prefix`, that paths of outputs start from, and that holds the state; default `out`. */
  readonly output?: string
  /** Id or ARN of the KMS key that encrypts what is written to S3; default as the bucket says. */
  readonly kmsKeyId?: string
  /** Number of threads; default the CPUs that this process may use, or fewer where memory is short. */
  readonly workers?: number
  /** Number of reads in flight; default 2 × workers from S3, 1 × from a disk. */
  readonly reads?: number
  /**
   * Memory of the whole process in MB of 1,000,000 bytes, shared out to its threads, such as `800`; default 70 % of what it may use. Less
   * than the threads need is refused. Bounds engines, heaps and reads. A member is inflated whole up to 64 MiB, and staged text in a tmpfs
   * is kept below the budget, apart from it.
   */
  readonly memoryMb?: number
  /** Rejected rows that do not fail a run, as a count or a share such as `'0.5%'`; default the task's own limit. */
  readonly rejectsMax?: number | `${number}%`
  /** Stops at the first batch that fails; default false: the other batches are finished first. */
  readonly failFast?: boolean
  /** Reads only so many members, or this share such as `'1%'`, and writes into `.fanmill/sample` below the output; default all. */
  readonly sample?: number | `${number}%`
  /** Runs a task again that is complete; default false. */
  readonly force?: boolean
  /** Keeps the rows of temporary datasets; default false: they are removed once every task that reads them is complete. */
  readonly keep?: boolean
  /** Reads text strictly; default as the task says. */
  readonly strict?: boolean
  /** Least level of log lines that become events; default `info`. */
  readonly logLevel?: LogLevel
  /** Stops the run in order when it aborts; the same call resumes the run. */
  readonly signal?: AbortSignal
  /** Called with each event, such as `console.log`; default none. */
  readonly onEvent?: (event: RunEvent) => void
}

/** An option that can be a flag of the command line. */
export interface FlagOption extends OptionKind {
  /** As commander writes it. */
  readonly flag: string
  /** The flag's line in the help. */
  readonly help: string
}

/** Options that are settings: each can also be a variable `FANMILL_…` and a key of the configuration file. */
export const runSettings = {
  input: {
    ...root,
    flag: '--input <root>',
    help: 'folder or s3://bucket/prefix that paths of sources and tables start from (default: .)',
  },
  output: {
    ...root,
    flag: '--output <root>',
    help: 'folder or s3://bucket/prefix that paths of outputs start from (default: ./out)',
  },
  profile: {
    ...text,
    flag: '--profile <name>',
    help: 'profile of the AWS configuration files (default: as the AWS SDK finds credentials)',
  },
  region: { ...text, flag: '--region <name>', help: 'region of the buckets (default: as the AWS SDK finds it)' },
  kmsKeyId: {
    ...text,
    flag: '--kms-key-id <key>',
    help: 'key that encrypts what is written to S3 (default: as the bucket says)',
  },
  workers: {
    ...count,
    flag: '--workers <n>',
    help: 'threads that compute (default: the CPUs this process may use)',
  },
  reads: {
    ...count,
    flag: '--reads <n>',
    help: 'reads in flight (default: 2 × workers; from a disk, as many as workers)',
  },
  memoryMb: {
    ...count,
    flag: '--memory <mb>',
    help: 'MB shared out to all workers; too few are refused (default: 70 % of what there is)',
  },
  rejectsMax: {
    ...share,
    flag: '--rejects-max <n|p%>',
    help: 'rejected rows that do not fail a run (default: as the task says, else 0)',
  },
  failFast: { ...flag, flag: '--fail-fast', help: 'stop at the first batch that fails, and begin no further task' },
  logLevel: {
    ...logLevel,
    flag: '--log-level <level>',
    help: 'least level of messages that are shown (default: info)',
  },
} satisfies { readonly [Name in keyof RunOptions]: FlagOption }

export const runOptions = {
  ...runSettings,
  task: textOrTexts,
  params,
  sample: {
    ...positiveShare,
    flag: '--sample <n|p%>',
    help: 'only so many members, or this share; written to .fanmill/sample',
  },
  force: { ...flag, flag: '--force', help: 'run although it is complete already' },
  keep: { ...flag, flag: '--keep', help: 'keep the rows of temporary datasets' },
  strict: flag,
  signal,
  onEvent: callback,
} satisfies OptionKinds<RunOptions, OptionKind | FlagOption>
