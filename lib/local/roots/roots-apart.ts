/** Finds whether the input root lies inside the output root, or the reverse, so that outputs among the inputs are known. */
import { realpathSync } from 'node:fs'
import { basename, dirname, join, relative, sep } from 'node:path'
import type { PipelineDefinition } from '../../define/definition.ts'
import { type KeyRebase, keyRebase, type OwnOutputs } from '../../inputs/own-outputs.ts'
import type { StoreSpec } from '../../store/open-store.ts'

/** The outputs of a pipeline that could be among its inputs. */
export function ownOutputs({ tasks }: PipelineDefinition, input: StoreSpec, output: StoreSpec): OwnOutputs {
  const roots = rootsApart(input, output)
  return { tasks, ...(roots && { roots }) }
}

/** Returns how keys of one root become keys of the other; undefined when neither lies in the other. */
export function rootsApart(input: StoreSpec, output: StoreSpec): KeyRebase | undefined {
  if (input.kind === 'disk' && output.kind === 'disk')
    return keyRebase(folderPath(input.folder), folderPath(output.folder))
  if (input.kind !== 's3' || output.kind !== 's3' || input.bucket !== output.bucket) return undefined
  return keyRebase(input.prefix, output.prefix)
}

/** Returns the path without links and `..`, as far as it exists. */
function folderPath(folder: string): string {
  const path = realFolder(folder)
  return path.endsWith(sep) ? path.replaceAll(sep, '/') : `${path}${sep}`.replaceAll(sep, '/')
}

function realFolder(folder: string): string {
  try {
    return realpathSync(folder)
  } catch {
    const parent = dirname(folder)
    return relative(parent, folder) === '' ? folder : join(realFolder(parent), basename(folder))
  }
}
