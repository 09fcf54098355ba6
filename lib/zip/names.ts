/** Decodes the names of zip members, and checks which of them can be paths. */
import { Buffer, isUtf8 } from 'node:buffer'
import * as yauzl from 'yauzl'
import { PermanentError } from '../errors/errors.ts'
import { escapeGlob } from '../paths/glob.ts'

interface RawName extends Pick<yauzl.Entry, 'fileNameRaw' | 'generalPurposeBitFlag' | 'extraFields'> {
  /** The writer's system is in the upper byte; only the directory has this field. */
  readonly versionMadeBy?: number
}

/** Unix and macOS (4.4.2.2 of APPNOTE.TXT). */
const utf8Systems: readonly (number | undefined)[] = [3, 19]
const utf8Flag = 0x800
const unicodePathId = 0x7075

/** Systems of DOS and Windows programs, which separate folders by backslashes: FAT, HPFS, NTFS (10 and 11 both occur) and VFAT. */
const backslashSystems: readonly (number | undefined)[] = [0, 6, 10, 11, 14]

/** Returns the name in its one spelling (`memberPath`), decoded by the unicode path field (0x7075) when it fits, by the UTF-8 flag, or as cp437. */
export function decodeZipName(raw: RawName): string {
  const { fileNameRaw, extraFields, versionMadeBy } = raw
  const system = versionMadeBy === undefined ? undefined : versionMadeBy >> 8
  // Info-ZIP without a UTF-8 locale, as in containers, and macOS write UTF-8 without setting the flag.
  const isUtf8Name =
    (raw.generalPurposeBitFlag & utf8Flag) !== 0 || (utf8Systems.includes(system) && isUtf8(fileNameRaw))
  const keepsBackslashes = true
  const name = yauzl.getFileNameLowLevel(isUtf8Name ? utf8Flag : 0, fileNameRaw, extraFields, keepsBackslashes)
  if (!name.includes('\\')) return memberPath(name)
  // Backslashes separate folders in a name without any slash, because some programs of DOS and Windows call themselves Unix.
  const hasBackslashes = backslashSystems.includes(system) || !name.includes('/')
  const isUnicode = isUtf8Name || extraFields.some(({ id }) => id === unicodePathId)
  return memberPath(hasBackslashes ? withSlashes(name, isUnicode) : name)
}

/** Turns backslashes into slashes. Names in East Asian code pages are not marked, and the second byte of a letter may be a backslash there. */
function withSlashes(name: string, isUnicode: boolean): string {
  return isUnicode ? name.replaceAll('\\', '/') : name.replace(/(?<!\P{ASCII})\\/gu, '/')
}

/**
 * Returns the one spelling of a path that can be written in several ways: `./a//b` and `a/c/../b` are `a/b`. Parts that lead out of a
 * folder (`..` without a folder before it, a leading slash, a drive letter) stay, so that they can be refused.
 */
export function memberPath(name: string): string {
  if (!/\/\/|(?:^|\/)\.{1,2}(?:\/|$)/.test(name)) return name
  const segments = name.split('/')
  const last = segments.length - 1
  const kept: string[] = []
  for (const [index, segment] of segments.entries()) {
    if (segment === '.' || (segment === '' && index !== 0 && index !== last)) continue
    // A name that ends with `..` is no file.
    if (segment === '..' && index !== last && isFolderName(kept.at(-1))) kept.pop()
    else kept.push(segment)
  }
  return kept.join('/')
}

const isFolderName = (segment = ''): boolean => segment !== '' && segment !== '..' && !startsWithDrive(segment)

const startsWithDrive = (path: string): boolean => /^[a-z]:/i.test(path)

/** Whether two spellings mean the same file: a local header does not name the system that wrote it. */
export function isSamePath(one: string, other: string): boolean {
  return one === other || memberPath(one.replaceAll('\\', '/')) === memberPath(other.replaceAll('\\', '/'))
}

/**
 * Returns the name, when it can be a path below a folder on any system.
 * @throws ZIP_UNSAFE_NAME when it is empty, absolute, has a drive letter, a NUL, a backslash, or a `.`, `..` or empty segment
 */
export function safePath(name: string, archive?: string): string {
  const reason = unsafeReason(name)
  if (reason === undefined) return name
  throw unsafeNameError({ name, archive }, reason)
}

function unsafeNameError(member: ExtractableMember, reason: string): PermanentError {
  const leaveOut = `members: '!${escapeGlob(member.name)}' leaves it out`
  const message = `expected a member name that can be a file below its folder, got ${nameInArchive(member)} (${reason}); ${leaveOut}`
  return new PermanentError('ZIP_UNSAFE_NAME', message, { member: member.name, archive: member.archive, reason })
}

/** The most bytes of a path's segment on POSIX and on Windows. */
const segmentBytesMax = 255

function unsafeReason(name: string): string | undefined {
  if (name === '') return 'empty'
  if (name.includes('\0')) return 'a NUL'
  if (name.includes('\\')) return 'a backslash'
  if (name.startsWith('/')) return 'absolute'
  const segments = name.split('/')
  // In every segment, because a name in a nested archive follows that of the archive.
  if (segments.some(startsWithDrive)) return 'a drive letter'
  const segment = segments.find(part => part === '' || part === '.' || part === '..')
  if (segment !== undefined) return `a segment ${JSON.stringify(segment)}`
  const long = segments.find(part => part.length > segmentBytesMax / 3 && Buffer.byteLength(part) > segmentBytesMax)
  return long === undefined
    ? undefined
    : `a segment of ${Buffer.byteLength(long)} bytes, where a file system takes ${segmentBytesMax}`
}

/** Names that Fanmill itself uses in a folder of extracted members: the manifest, the state, and files that are not visible yet. */
const reservedName = /^(_SUCCESS|\.fanmill([/-].*)?|.*\.pending-[\w-]+)$/i

/** A member to be extracted, with its archive for errors. */
export interface ExtractableMember {
  readonly name: string
  readonly archive?: string | undefined
}

/**
 * Checks that members can be extracted side by side; the caller leaves directories out.
 * @throws ZIP_UNSAFE_NAME as `safePath`, and for `_SUCCESS`, `.fanmill` and `*.pending-*`; ZIP_DUPLICATE_NAME when two would be one file on a system that ignores case, or one would be the folder of another
 */
export function checkExtractable(members: Iterable<ExtractableMember>): void {
  const files = new Map<string, ExtractableMember>()
  for (const member of members) {
    // Names are compared without case and in one Unicode form, because macOS and Windows compare them so.
    const path = safePath(member.name, member.archive).normalize('NFC').toLowerCase()
    if (reservedName.test(path)) throw unsafeNameError(member, 'a name that Fanmill itself uses')
    const other = files.get(path)
    if (other !== undefined) throw duplicateNameError(other, member)
    files.set(path, member)
  }
  for (const [path, member] of files) {
    const folder = foldersOf(path).find(folder => files.has(folder))
    if (folder !== undefined) throw duplicateNameError(files.get(folder) ?? member, member)
  }
}

function foldersOf(path: string): readonly string[] {
  return [...path.matchAll(/\//g)].map(match => path.slice(0, match.index))
}

function duplicateNameError(first: ExtractableMember, second: ExtractableMember): PermanentError {
  const [one, other] = [nameInArchive(first), nameInArchive(second)]
  const isInOne = first.archive === second.archive
  const leaveOut = `members: '!${escapeGlob(second.name)}' leaves the name out`
  const remedy = isInOne
    ? `${leaveOut}, or zip the archive again with one of them`
    : `leave an archive out (paths: '!(…).zip'), extract each to a path of its own, or ${leaveOut}`
  const message = `expected names that make different files, got ${one} and ${other}; ${remedy}`
  const detail = { member: second.name, other: first.name, archive: second.archive, otherArchive: first.archive }
  return new PermanentError('ZIP_DUPLICATE_NAME', message, detail)
}

const nameInArchive = ({ name, archive }: ExtractableMember): string =>
  JSON.stringify(name) + (archive === undefined ? '' : ` of ${archive}`)
