/** Python with delta-rs and polars, for tests that read and write Delta tables as other programs do. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { afterAll } from 'vitest'
import { installPackages } from '../localstack/install.ts'

const packages = ['deltalake==1.6.6', 'polars==2.1.0', 'pyarrow==26.0.1']

/** Path of the interpreter; undefined on a machine without a suitable Python, where tests say what they leave out. */
export const python = (await installPackages('delta', packages))?.python

/** Says that the tests of a file are left out; fails in CI. */
export function leaveOutWithoutPython(file: string): void {
  if (python !== undefined) return
  const message =
    'delta-rs needs Python 3.11 or later with venv; without it no other program reads or writes the Delta tables'
  if (process.env.CI) throw new Error(message)
  console.warn(`\n  LEFT OUT: ${file}. ${message}.\n`)
}

/** Answers requests line by line, so that the packages are imported once. */
const script = `
import json, sys, deltalake, polars as pl

def read(address, version, options, with_polars):
    table = deltalake.DeltaTable(address, storage_options=options, version=version)
    found = pl.from_arrow(table.to_pyarrow_table())
    columns = sorted(found.columns)
    same = pl.read_delta(address, storage_options=options, version=version) if with_polars else found
    assert found.select(columns).sort(columns).equals(same.select(columns).sort(columns)), 'polars reads other rows than delta-rs'
    return {'version': table.version(), 'types': {n: str(t) for n, t in zip(found.columns, found.dtypes)}, 'rows': found.rows(named=True)}

def write(address, rows, given):
    frame = pl.DataFrame(rows).with_columns(pl.col('amount').cast(pl.Decimal(9, 2)))
    deltalake.write_deltalake(address, frame.to_arrow(), **given)

def compact(address):
    deltalake.DeltaTable(address).optimize.compact()

def restore(address, version):
    deltalake.DeltaTable(address).restore(version)

for line in sys.stdin:
    name, *args = json.loads(line)
    print(json.dumps({'read': read, 'write': write, 'compact': compact, 'restore': restore}[name](*args), default=str), flush=True)
`

export interface PythonTable {
  readonly version: number
  /** The types of polars by column. */
  readonly types: Readonly<Record<string, string>>
  readonly rows: readonly Readonly<Record<string, unknown>>[]
}

export interface ReadOptions {
  readonly version?: number | null | undefined
  /** The storage options of both. */
  readonly options?: object
  readonly withPolars?: boolean
}

/** Reads a table with delta-rs and with polars, which must have the same rows. */
export async function readWithPython(
  address: string,
  { version = null, options = {}, withPolars = true }: ReadOptions = {},
): Promise<PythonTable> {
  return (await ask(['read', address, version, options, withPolars])) as PythonTable
}

/** Writes rows with delta-rs; `given` are arguments of write_deltalake, such as the mode. */
export async function writeWithPython(address: string, rows: readonly object[], given: object): Promise<void> {
  await ask(['write', address, rows, given])
}

/** Writes the small files of a table as larger ones with delta-rs: the rows stay, and the files are others. */
export async function compactWithPython(address: string): Promise<void> {
  await ask(['compact', address])
}

/** Makes the rows of an older version those of the table with delta-rs. */
export async function restoreWithPython(address: string, version: number): Promise<void> {
  await ask(['restore', address, version])
}

interface Interpreter {
  readonly child: ChildProcessByStdio<Writable, Readable, null>
  readonly answers: AsyncIterator<string>
}

let started: Interpreter | undefined

function start(): Interpreter {
  const child = spawn(python!, ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  afterAll(() => void child.stdin.end())
  return { child, answers: createInterface(child.stdout)[Symbol.asyncIterator]() }
}

/** Throws when the interpreter has ended, whose error is then printed. */
async function ask(request: readonly unknown[]): Promise<unknown> {
  started ??= start()
  started.child.stdin.write(`${JSON.stringify(request)}\n`)
  const { value, done } = await started.answers.next()
  if (done) throw new Error(`Python ended at ${JSON.stringify(request)}`)
  return JSON.parse(value)
}
