/** Creates the error of a run whose globs match nothing. */

import { archiveKind } from '../archive/archive-kind.ts'
import type { ZipMembersSource } from '../define/definition.ts'
import { type FanmillError, PermanentError } from '../errors/errors.ts'
import { nearestHint, nearestToGlob } from '../errors/nearest.ts'
import { globMatcher } from '../paths/glob.ts'
import type { StoredObject } from '../store/store.ts'
import { candidateKeys } from './candidate-keys.ts'
import type { FindOptions, FoundObjects } from './find-options.ts'

/** Names among which the nearest are looked for. */
const candidatesMax = 10_000

/** Creates the error of a glob that no file matches: with the folder in which one does, or the nearest names. */
export async function noFileError({ input }: FindOptions, glob: string): Promise<FanmillError> {
  const root = input.url
  const keys = await candidateKeys(input)
  const folder = folderOfMatch(keys, globMatcher(glob))
  const nearest = nearestToGlob(glob, keys)
  const advice =
    folder === undefined
      ? nearestHint(nearest, otherwise)
      : `, but files in ${folder}/ do; set the input root, --input ${root}/${folder}, or begin paths with ${folder}/`
  return new PermanentError('NO_INPUT', `nothing under ${root} matches ${glob}${advice}`, { glob, root, nearest })
}

/** Returns the folder from which most keys match; of several, the one nearest to the root. */
function folderOfMatch(keys: readonly string[], matches: (name: string) => boolean): string | undefined {
  const counts = new Map<string, number>()
  for (const key of keys) {
    const names = key.split('/')
    const depth = names.findIndex((_, at) => at > 0 && matches(names.slice(at).join('/')))
    const folder = names.slice(0, depth).join('/')
    if (depth !== -1) counts.set(folder, (counts.get(folder) ?? 0) + 1)
  }
  const depthOf = (folder: string): number => folder.split('/').length
  return [...counts].sort(([a, some], [b, others]) => others - some || depthOf(a) - depthOf(b))[0]?.[0]
}

/** Creates the error of archives that have no member to read: none matches, or all that match are skipped as bad. */
export async function noMemberError(
  options: FindOptions,
  source: ZipMembersSource,
  {
    glob,
    objects,
    skipped,
  }: { readonly glob: string; readonly objects: readonly StoredObject[] } & Pick<FoundObjects, 'skipped'>,
): Promise<FanmillError> {
  const root = options.input.url
  const keys = objects.map(object => object.key)
  const archives = keys.length === 1 ? keys[0] : `the ${keys.length} archives ${glob}`
  const given = { glob: source.members, root, archives: keys }
  const [first] = skipped.all()
  if (first) {
    const message = `all ${skipped.count} members of ${archives} under ${root} that match ${source.members} are skipped as bad, the first: ${first.message}`
    return new PermanentError('NO_INPUT', message, { ...given, membersSkipped: skipped.count })
  }
  const nearest = nearestToGlob(source.members, await memberNames(source, objects, options))
  const message = `no member of ${archives} under ${root} matches ${source.members}${nearestHint(nearest, otherwise)}`
  return new PermanentError('NO_INPUT', message, { ...given, nearest })
}

const otherwise = '; check the input root and the pattern'

async function memberNames(
  source: ZipMembersSource,
  objects: readonly StoredObject[],
  options: FindOptions,
): Promise<string[]> {
  const [first] = objects
  if (!first) return []
  const { table } = await archiveKind(first.key).list(options.input, first, { limits: source.limits })
  const names: string[] = []
  for (let index = 0; index < table.length && names.length < candidatesMax; index++)
    if (!table.isDirectory(index)) names.push(table.name(index))
  return names
}
