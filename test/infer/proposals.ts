/** Runs the proposals that `infer` prints, as a user does after pasting them. */

import type { TaskDefinition } from '../../lib/define/definition.ts'
import * as define from '../../lib/define/index.ts'
import { runTask } from '../../lib/testing.ts'

export interface ProposalRun {
  /** Values as JSON has them; times and large numbers as texts. */
  readonly rows: readonly unknown[]
  readonly rejectCount: number
}

const { column, csv, files, fixedWidth, json, jsonLines, parquet, parquetFiles, task, xlsx, xml, zipMembers } = define
const builders = { csv, column, fixedWidth, json, jsonLines, parquetFiles, xlsx, xml }

/** Returns the rows of a file, or of a zip with it, read by a proposal. */
export async function runProposal(
  source: string,
  { name, bytes, isZipped = false }: { readonly name: string; readonly bytes: Uint8Array; readonly isZipped?: boolean },
): Promise<ProposalRun> {
  const evaluate = new Function(...Object.keys(builders), `return {\n${source}\n}`)
  const { format = csv(), ...options } = evaluate(...Object.values(builders)) as { format?: never }
  const input = isZipped ? zipMembers({ paths: '*.zip', format }) : files({ paths: '*', format })
  const definition = task({ name: 't', source: input, output: parquet({ path: 't' }), ...options } as never)
  const given = isZipped ? { 'a.zip': { [name]: bytes } } : { [name]: bytes }
  const { rows, rejects } = await runTask(definition as TaskDefinition, { files: given as never })
  return { rows: rows.map(plain), rejectCount: rejects.length }
}

function plain(row: object): unknown {
  return JSON.parse(JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? Number(value) : value)))
}
