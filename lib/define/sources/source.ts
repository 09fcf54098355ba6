/** Builds sources: where rows come from. */
import * as v from 'valibot'
import { check, options } from '../check.ts'
import type { PathColumns, PathColumnsOf } from '../columns/path-columns.ts'
import type { FilesSource, Format, ZipLimits, ZipMembersSource } from '../definition.ts'
import { type Refined, refinable } from '../freeze.ts'
import { anyFormat, count, filledText, flag, oneOf, relativePath } from '../schemas.ts'

/** The options of `zipMembers`. */
export interface ZipMembersOptions<Paths extends string = string, Hive extends boolean = boolean>
  extends Partial<Pick<ZipMembersSource, 'members' | 'onBadMember' | 'nested'>> {
  /**
   * The paths of the archives under the input root: a template with `{param}` placeholders and globs. Names that end in .tar, .tar.gz,
   * .tgz, .tar.zst and so on are tar archives, all others zips. Required.
   * @example zipMembers({ paths: 'incoming/{month}/*.zip', format: csv() })
   */
  readonly paths: Paths
  /** How records stand in a member. Required, except for the output `memberFiles`. */
  readonly format?: Format
  /** Whether folders `name=value` in an archive's path are columns. Their types come from `columns`, else they are strings. Default true. */
  readonly hive?: Hive
  /**
   * Limits against hostile archives that differ from the defaults.
   * @example zipMembers({ paths: '*.zip', format: csv(), limits: { memberBytesMax: 2 ** 30 } })
   */
  readonly limits?: Partial<ZipLimits>
}

/** The options of `files`. */
export interface FilesOptions<Paths extends string = string, Hive extends boolean = boolean> {
  /**
   * The paths of the files under the input root: a template with `{param}` placeholders and globs. Files whose names end in .gz,
   * .zst, .bz2 or .xz are inflated. Required.
   * @example files({ paths: 'logs/{day}/*.csv.gz', format: csv() })
   */
  readonly paths: Paths
  /** How records stand in a file. Required. */
  readonly format: Format
  /** Whether folders `name=value` in a file's path are columns. Their types come from `columns`, else they are strings. Default true. */
  readonly hive?: Hive
}

export type ZipMembers = Refined<ZipMembersSource, ZipMembersOptions>
export type Files = Refined<FilesSource, FilesOptions>

/** The default limits. Real archives stay under them: deflate's greatest ratio is 1,032. */
export const zipLimits: ZipLimits = Object.freeze({
  memberBytesMax: 64 * 2 ** 30,
  archiveBytesMax: 2 ** 40,
  ratioMax: 1100,
  memberCountMax: 2_000_000,
  nameBytesMax: 4096,
  depthMax: 3,
})

/**
 * Reads the members of zip archives and of tar archives (`.tar`, `.tar.gz`, `.tgz`, `.tar.zst`), by their names.
 * @example zipMembers({ paths: 'incoming/*.zip', members: '**\/*.csv', format: csv() })
 */
export function zipMembers<const Paths extends string, const Hive extends boolean = true>(
  given: ZipMembersOptions<Paths, Hive>,
): ZipMembers & PathColumns<Hive extends true ? PathColumnsOf<Paths> : never>
export function zipMembers(given: ZipMembersOptions): ZipMembers {
  const {
    paths,
    members = '**',
    format,
    onBadMember = 'fail',
    nested,
    hive,
    limits,
  } = check('zipMembers', zipOptions, given)
  const data: ZipMembersSource = {
    kind: 'zipMembers',
    paths,
    members,
    format,
    onBadMember,
    nested: nested || undefined,
    hive,
    limits: { ...zipLimits, ...limits },
  }
  return refinable(data, given, zipMembers)
}

/**
 * Reads files, also those that end in .gz, .zst, .bz2 or .xz.
 * @example files({ paths: 'incoming/*.csv', format: csv() })
 */
export function files<const Paths extends string, const Hive extends boolean = true>(
  given: FilesOptions<Paths, Hive>,
): Files & PathColumns<Hive extends true ? PathColumnsOf<Paths> : never>
export function files(given: FilesOptions): Files {
  const { paths, format, hive } = check('files', filesOptions, given)
  return refinable({ kind: 'files', paths, format, hive }, given, files)
}

const limitNames = Object.keys(zipLimits) as (keyof ZipLimits)[]
const zipOptions = options(
  {
    paths: relativePath,
    members: v.optional(filledText),
    format: v.optional(anyFormat),
    onBadMember: v.optional(oneOf(['fail', 'skip'])),
    nested: v.optional(flag),
    hive: v.optional(flag),
    limits: v.optional(options(v.entriesFromList(limitNames, v.optional(count(1))))),
  },
  { archives: 'paths', path: 'paths', archive: 'paths', files: 'members' },
)
const filesOptions = options(
  { paths: relativePath, format: anyFormat, hive: v.optional(flag) },
  { path: 'paths', files: 'paths', file: 'paths' },
)
