/** The builders of sources: where rows come from. */
import * as v from 'valibot'
import { check, options } from './check.ts'
import type { FilesSource, Format, ZipLimits, ZipMembersSource } from './definition.ts'
import { type Refined, refinable } from './freeze.ts'
import type { PathColumns, PathColumnsOf } from './path-columns.ts'
import { anyFormat, count, filledText, flag, oneOf, relativePath } from './schemas.ts'

export interface ZipMembersOptions<Paths extends string = string, Hive extends boolean = boolean> {
  /** Path template under the input root, with `{param}` placeholders and glob stars: `incoming/{month}/*.zip`. */
  readonly paths: Paths
  /** Glob over member names; default every member but, where there is a format, dot files and `__MACOSX`. */
  readonly members?: string
  /** Needed but for `memberFiles`. */
  readonly format?: Format
  /** Default `fail`. */
  readonly onBadMember?: 'fail' | 'skip'
  /** Whether folders `name=value` in an archive's path are columns, of the types that `columns` says, else strings. Default true. */
  readonly hive?: Hive
  /** Caps that differ from the defaults. */
  readonly limits?: Partial<ZipLimits>
}

export interface FilesOptions<Paths extends string = string, Hive extends boolean = boolean> {
  /** Path template under the input root, with `{param}` placeholders and glob stars. Names ending in .gz or .zst are inflated. */
  readonly paths: Paths
  readonly format: Format
  /** Whether folders `name=value` in a file's path are columns, of the types that `columns` says, else strings. Default true. */
  readonly hive?: Hive
}

export type ZipMembers = Refined<ZipMembersSource, ZipMembersOptions>
export type Files = Refined<FilesSource, FilesOptions>

/** Caps that real archives stay under: deflate's greatest ratio is 1,032. */
export const zipLimits: ZipLimits = Object.freeze({
  memberBytesMax: 64 * 2 ** 30,
  archiveBytesMax: 2 ** 40,
  ratioMax: 1100,
  memberCountMax: 2_000_000,
  nameBytesMax: 4096,
})

/** The members of zip archives. */
export function zipMembers<const Paths extends string, const Hive extends boolean = true>(
  given: ZipMembersOptions<Paths, Hive>,
): ZipMembers & PathColumns<Hive extends true ? PathColumnsOf<Paths> : never>
export function zipMembers(given: ZipMembersOptions): ZipMembers {
  const { paths, members = '**', format, onBadMember = 'fail', hive, limits } = check('zipMembers', zipOptions, given)
  const data: ZipMembersSource = {
    kind: 'zipMembers',
    paths,
    members,
    ...(format === undefined ? {} : { format }),
    onBadMember,
    ...(hive === undefined ? {} : { hive }),
    limits: { ...zipLimits, ...limits },
  }
  return refinable(data, given, zipMembers)
}

/** Files that are no archives. */
export function files<const Paths extends string, const Hive extends boolean = true>(
  given: FilesOptions<Paths, Hive>,
): Files & PathColumns<Hive extends true ? PathColumnsOf<Paths> : never>
export function files(given: FilesOptions): Files {
  const { paths, format, hive } = check('files', filesOptions, given)
  const data: FilesSource = { kind: 'files', paths, format, ...(hive === undefined ? {} : { hive }) }
  return refinable(data, given, files)
}

const zipOptions = options(
  {
    paths: relativePath,
    members: v.optional(filledText),
    format: v.optional(anyFormat),
    onBadMember: v.optional(oneOf(['fail', 'skip'])),
    hive: v.optional(flag),
    limits: v.optional(
      options({
        memberBytesMax: v.optional(count(1)),
        archiveBytesMax: v.optional(count(1)),
        ratioMax: v.optional(count(1)),
        memberCountMax: v.optional(count(1)),
        nameBytesMax: v.optional(count(1)),
      }),
    ),
  },
  { archives: 'paths', path: 'paths', archive: 'paths', files: 'members' },
)
const filesOptions = options(
  { paths: relativePath, format: anyFormat, hive: v.optional(flag) },
  { path: 'paths', files: 'paths', file: 'paths' },
)
