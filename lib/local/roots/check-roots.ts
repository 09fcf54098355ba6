/** Refuses input and output roots that are not folders, before anything is done. */
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { PermanentError } from '../../errors/errors.ts'
import { diskFault } from '../../store/disk/fault.ts'
import type { StoreSpec } from '../../store/open-store.ts'

/** @throws USAGE when the input root is no folder */
export function checkInputRoot(spec: StoreSpec): void {
  if (spec.kind !== 'disk') return
  const kind = kindOf(spec.folder)
  if (kind === 'folder') return
  const problem = kind === 'file' ? `got the file ${spec.folder}` : `there is none at ${spec.folder}`
  throw new PermanentError('USAGE', `input: expected a folder, ${problem}; paths of sources start from it`, {
    option: 'input',
    folder: spec.folder,
  })
}

/** @throws USAGE when a file stands in the way of the output root */
export function checkOutputRoot(spec: StoreSpec): void {
  if (spec.kind !== 'disk') return
  let path = spec.folder
  while (kindOf(path) === undefined && dirname(path) !== path) path = dirname(path)
  if (kindOf(path) !== 'file') return
  const detail = { option: 'output', folder: spec.folder }
  throw new PermanentError('USAGE', `output: expected a folder at ${spec.folder}, got the file ${path}`, detail)
}

function kindOf(path: string): 'folder' | 'file' | undefined {
  try {
    const found = statSync(path, { throwIfNoEntry: false })
    if (!found) return undefined
    return found.isDirectory() ? 'folder' : 'file'
  } catch (error) {
    throw diskFault(error, 'look at', path)
  }
}
