/** `fanmill init`: creates a project, with a pipeline that is inferred from data. */
import { existsSync } from 'node:fs'
import { dirname, extname } from 'node:path'
import type { Command } from 'commander'
import { PermanentError } from '../../errors/errors.ts'
import type { InitOptions } from '../../init/init-project.ts'
import { cutLiteral } from '../../paths/glob.ts'
import { addCommand, type CommonOptions } from '../options.ts'
import { print, printJson, visible } from '../output.ts'
import { formatCount } from '../view/amounts.ts'
import { inferView } from '../view/infer-progress.ts'

export function addInitCommand(program: Command): void {
  addCommand(program, {
    usage: 'init [data] [directory]',
    description: 'create a project that runs, tests and deploys a pipeline, inferred from files or archives',
    examples: [
      'init incoming/flights.zip',
      'init incoming my-flights',
      'init "incoming/2001-*.csv.gz"',
      'init my-project',
    ],
  })
    .allowExcessArguments()
    .action(async (data, directory, flags, { args }: Command) => {
      if (args.length > 2) throw await expandedGlob(args)
      return initAction({ data, directory }, flags, program.version() ?? '')
    })
}

/** Returns the error for more files than one, as a shell passes them for a glob. */
async function expandedGlob(args: readonly string[]): Promise<PermanentError> {
  const { globOfEndings } = await import('../../infer/data-files.ts')
  const glob = `${dirname(args[0] ?? '')}/${globOfEndings(args)}`
  const message = `expected data and a folder for the project, got ${args.length} paths; for several files, give their folder, or a glob in quotes, such as '${glob}'`
  return new PermanentError('USAGE', message)
}

type Places = Pick<InitOptions, 'data' | 'directory'>

async function initAction(given: Places, { json }: CommonOptions, version: string): Promise<void> {
  const { initProject } = await import('../../init/init-project.ts')
  const view = inferView()
  const options = { ...placesOf(given), version, onProgress: view.show }
  const { directory, task, files, inferred } = await initProject(options).finally(view.stop)
  if (json) return printJson({ directory, task, files, notes: inferred.notes })
  const [first, ...others] = inferred.sampled
  const sampled = others.length === 0 ? first : `${formatCount(inferred.sampled.length)} files`
  print(visible(`${directory}: a project with the task ${task}, inferred from ${sampled}`))
  for (const file of files) print(visible(`  ${file}`))
  for (const note of inferred.notes) print(visible(`note: ${note}`))
  print('')
  print(visible(`  ${directory === '.' ? '' : `cd ${directory} && `}npm install && npm start`))
}

/** Takes a single name without an ending, where no file is and that is no glob, as the folder of a project without data. */
function placesOf({ data, directory }: Places): Places {
  const isFolder =
    data !== undefined && directory === undefined && extname(data) === '' && !existsSync(data) && !isGlob(data)
  return isFolder ? { directory: data } : { data, directory }
}

const isGlob = (path: string): boolean => cutLiteral(path).rest !== ''
