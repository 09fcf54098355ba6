/** `fanmill unzip`: extracts the members of an archive in parallel. */
import type { Command } from 'commander'
import { PermanentError } from '../../errors/errors.ts'
import type { UnzipOptions } from '../../local/unzip.ts'
import { withInterrupt } from '../interrupt.ts'
import { addCommand, addSettings } from '../options.ts'
import { print, printJson } from '../output.ts'
import { readRunSettings } from '../settings.ts'
import { sizeThreadpool } from '../threadpool.ts'
import { formatBytes, formatCount, formatRate, formatSeconds } from '../view/amounts.ts'
import { runView } from '../view/progress.ts'
import type { ViewOptions } from '../view/run-result.ts'

export function addUnzipCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'unzip <archive> <destination>',
    description: 'extract members in parallel, checksums verified',
    examples: [
      'unzip incoming/flights.zip extracted',
      'unzip incoming/flights.zip extracted --members "2001/**/*.csv"',
    ],
  })
  addSettings(command, 'workers')
    .option('--members <glob>', 'members to extract (default: all)')
    .option('--quiet', 'print warnings and errors alone')
    .action(unzipAction)
}

type UnzipFlags = ViewOptions & Pick<UnzipOptions, 'members'>

async function unzipAction(archive: string, destination: string, flags: UnzipFlags): Promise<void> {
  const { workers } = readRunSettings({ ...flags })
  sizeThreadpool(workers)
  const { json = false, quiet = false, members } = flags
  const { unzip } = await import('../../local/unzip.ts')
  const view = await runView({ quiet: quiet || json })
  const given = { members, workers, onEvent: view.show }
  const { files, bytes, seconds } = await withInterrupt(signal =>
    unzip(archive, destination, { ...given, signal }).catch(throwWithFlag),
  ).finally(view.stop)
  if (json) printJson({ event: 'end', status: 'complete', files, bytes, seconds, output: destination })
  else if (!quiet) {
    const rate = `${formatSeconds(seconds)}, ${formatRate(bytes, seconds)} MB/s`
    print(`${formatCount(files)} files, ${formatBytes(bytes)}, ${rate}: ${destination}`)
  }
}

/** Names the flag in advice, where a pipeline has an option. */
function throwWithFlag(error: unknown): never {
  if (!(error instanceof PermanentError)) throw error
  const message = error.message.replaceAll("members: '", "--members '")
  throw message === error.message ? error : new PermanentError(error.code, message, error.detail, { cause: error })
}
