/** `fanmill infer`: prints column definitions to paste, from a sample of the data. */
import type { Command } from 'commander'
import { inferView } from './infer-progress.ts'
import { addCommand, type CommonOptions } from './options.ts'
import { print, printJson } from './output.ts'

export function addInferCommand(program: Command): void {
  addCommand(program, {
    usage: 'infer <file>',
    description: 'sample a file or archive and print its columns, to paste',
    examples: ['infer incoming/2001-01/flights.zip --members "**/*.csv"', 'infer data/flights.csv --delimiter ";"'],
  })
    .option('--members <glob>', 'members of an archive to sample (default: all)')
    .option('--delimiter <text>', 'delimiter of the fields (default: found in the data)')
    .action(inferAction)
}

interface InferFlags extends CommonOptions {
  readonly members?: string
  readonly delimiter?: string
}

async function inferAction(file: string, { json, members, delimiter }: InferFlags): Promise<void> {
  const { inferColumns } = await import('../infer/infer.ts')
  const view = inferView()
  const inferred = await inferColumns(file, { members, delimiter, onProgress: view.show }).finally(view.stop)
  if (json) printJson(inferred)
  else print(inferred.source)
}
