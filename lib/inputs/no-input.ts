/** The error of a run whose globs match nothing. */

import type { Source, ZipMembersSource } from '../define/definition.ts'
import { type FanmillError, PermanentError } from '../errors/errors.ts'
import { nearestToGlob } from '../errors/nearest.ts'
import type { StoredObject } from '../store/store.ts'
import { readZipDirectory } from '../zip/directory.ts'
import { candidateKeys } from './candidate-keys.ts'
import type { FindOptions, FoundInputs } from './find-options.ts'

/** Names looked through for the nearest ones. */
const candidatesMax = 10_000

/** Says why there is nothing to read, with the names nearest to the glob. */
export async function noInputError(
  options: FindOptions,
  source: Source,
  glob: string,
  objects: readonly StoredObject[],
  { skipped }: FoundInputs,
): Promise<FanmillError> {
  const root = options.input.url
  if (source.kind === 'zipMembers' && objects.length > 0) {
    const keys = objects.map(object => object.key)
    const archives = keys.length === 1 ? keys[0] : `the ${keys.length} archives ${glob}`
    const given = { glob: source.members, root, archives: keys }
    const [first] = skipped.all()
    if (first) {
      const message = `all ${skipped.count} members of ${archives} under ${root} that match ${source.members} are skipped as bad, the first: ${first.message}`
      return new PermanentError('NO_INPUT', message, { ...given, membersSkipped: skipped.count })
    }
    const names = await memberNames(source, objects, options)
    const detail = { ...given, nearest: nearestToGlob(source.members, names) }
    const message = `no member of ${archives} under ${root} matches ${source.members}${hint(detail.nearest)}`
    return new PermanentError('NO_INPUT', message, detail)
  }
  const detail = { glob, root, nearest: nearestToGlob(glob, await candidateKeys(options.input)) }
  return new PermanentError('NO_INPUT', `nothing under ${root} matches ${glob}${hint(detail.nearest)}`, detail)
}

const hint = (names: readonly string[]): string =>
  names.length > 0 ? `; nearest are ${names.join(', ')}` : '; check the input root and the pattern'

async function memberNames(
  source: ZipMembersSource,
  objects: readonly StoredObject[],
  options: FindOptions,
): Promise<string[]> {
  const [first] = objects
  if (!first) return []
  const read = (range: { start: number; end: number }): Promise<Uint8Array> =>
    options.input.read(first.key, { range, etag: first.etag })
  const { table } = await readZipDirectory(read, first.sizeBytes, { key: first.key, limits: source.limits })
  const names: string[] = []
  for (let index = 0; index < table.length && names.length < candidatesMax; index++)
    if (!table.isDirectory(index)) names.push(table.name(index))
  return names
}
