/** `fanmill infer`: prints column definitions to paste, from a sample of the data. */
import { type Command, Option } from 'commander'
import type { InferOptions, InferredSource } from '../../infer/infer.ts'
import { textEncodings } from '../../local/options/options.ts'
import { addCommand, type CommonOptions } from '../options.ts'
import { print, printJson } from '../output.ts'
import { formatCount } from '../view/amounts.ts'
import { inferView } from '../view/infer-progress.ts'

export function addInferCommand(program: Command): void {
  addCommand(program, {
    usage: 'infer <files...>',
    description: 'sample files or an archive and print their columns, to paste',
    examples: ['infer incoming/2001-01/flights.zip --members "**/*.csv"', 'infer data/*.csv --delimiter ";"'],
  })
    .option('--members <glob>', 'members of an archive to sample (default: all)')
    .option('--delimiter <text>', 'delimiter of the fields (default: found in the data)')
    .addOption(
      new Option('--encoding <name>', 'encoding of the texts (default: found in the data)').choices(textEncodings),
    )
    .action(inferAction)
}

type InferFlags = CommonOptions & Pick<InferOptions, 'members' | 'delimiter' | 'encoding'>

async function inferAction(files: readonly string[], { json, debug: _, ...given }: InferFlags): Promise<void> {
  const { inferColumns } = await import('../../infer/infer.ts')
  const view = inferView()
  const inferred = await inferColumns(files, { ...given, onProgress: view.show }).finally(view.stop)
  if (json) printJson(inferred)
  else print(`${samplingLine(inferred)}${inferred.source}`)
}

/** Says how much was sampled; nothing of Parquet, which declares its types. */
function samplingLine({ rows, rowsRejected, sampled, available }: InferredSource): string {
  if (rows + rowsRejected === 0) return ''
  const of = available === sampled.length ? '' : ` of ${formatCount(available)}`
  const texts = available === 1 ? 'one file' : `${formatCount(sampled.length)}${of} files`
  return `// read ${formatCount(rows + rowsRejected)} records, from the beginning of ${texts}\n`
}
