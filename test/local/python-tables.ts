/** Python with delta-rs and polars, for tests that read and write Delta tables as other programs do. */
import { execFileSync } from 'node:child_process'
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

const readScript = `
import json, sys, deltalake, polars as pl
options = json.loads(sys.argv[3])
table = deltalake.DeltaTable(sys.argv[1], storage_options=options, version=json.loads(sys.argv[2]))
found = pl.from_arrow(table.to_pyarrow_table())
same = pl.read_delta(sys.argv[1], storage_options=options, version=json.loads(sys.argv[2]))
columns = sorted(found.columns)
assert found.select(columns).sort(columns).equals(same.select(columns).sort(columns)), 'polars reads other rows than delta-rs'
print(json.dumps({'version': table.version(), 'types': {n: str(t) for n, t in zip(found.columns, found.dtypes)}, 'rows': found.rows(named=True)}, default=str))
`

export interface PythonTable {
  readonly version: number
  /** The types of polars by column. */
  readonly types: Readonly<Record<string, string>>
  readonly rows: readonly Readonly<Record<string, unknown>>[]
}

/** Reads a table with delta-rs and with polars, which must have the same rows. */
export function readWithPython(
  address: string,
  { version = null, options = {} }: { readonly version?: number | null; readonly options?: object } = {},
): PythonTable {
  const args = ['-c', readScript, address, JSON.stringify(version), JSON.stringify(options)]
  return JSON.parse(execFileSync(python!, args, { encoding: 'utf8' })) as PythonTable
}

const writeScript = `
import json, sys, deltalake, polars as pl
rows, given = json.loads(sys.argv[2]), json.loads(sys.argv[3])
frame = pl.DataFrame(rows).with_columns(pl.col('amount').cast(pl.Decimal(9, 2)))
deltalake.write_deltalake(sys.argv[1], frame.to_arrow(), **given)
`

/** Writes rows with delta-rs; `given` are arguments of write_deltalake, such as the mode. */
export function writeWithPython(address: string, rows: readonly object[], given: object): void {
  execFileSync(python!, ['-c', writeScript, address, JSON.stringify(rows), JSON.stringify(given)])
}
