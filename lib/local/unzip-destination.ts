/** The folder that `unzip` fills: what may be overwritten in it, and how it is known to be whole. */
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PermanentError } from '../errors/errors.ts'
import type { Manifest } from '../model/manifest.ts'
import { readManifest, stateBytes } from '../state/state.ts'
import { errnoOf } from '../store/disk/fault.ts'

/** Says whose the files are while there is no `_SUCCESS`, so that an extraction that was cut short can be done again. */
const markerName = '.fanmill-unzip.json'
const successName = '_SUCCESS'
/** Files that an error names. */
const shownMax = 10

interface Marker {
  /** Of the archive whose members are being extracted. */
  readonly identity: string
  /** What was whole before. */
  readonly previous?: Manifest
}

/** An extraction under way. */
export interface Destination {
  /** What other extractions left here, which stays. */
  readonly previous: Manifest | undefined
  /** Makes it known that all is there. */
  finish(manifest: Manifest): void
}

/**
 * Files are ours when `_SUCCESS` lists them, or when an extraction of the same archive was cut short. `_SUCCESS` is gone until `finish`.
 * @throws OUTPUT_NOT_OURS when others would be overwritten, and for a `_SUCCESS` that is not ours; nothing was changed then
 */
export function openDestination(folder: string, identity: string, paths: readonly string[]): Destination {
  mkdirSync(folder, { recursive: true })
  const names = readdirSync(folder)
  const marker = names.includes(markerName) ? readMarker(join(folder, markerName)) : undefined
  const previous = names.includes(successName) ? readSuccess(join(folder, successName)) : marker?.previous
  if (names.length > 0 && marker?.identity !== identity) checkStrangers(folder, paths, previous)
  writeWhole(join(folder, markerName), stateBytes({ identity, ...(previous && { previous }) } satisfies Marker))
  rmSync(join(folder, successName), { force: true })
  return {
    previous,
    finish(manifest) {
      writeWhole(join(folder, successName), stateBytes(manifest))
      rmSync(join(folder, markerName))
    },
  }
}

function readSuccess(file: string): Manifest {
  try {
    return readManifest(readFileSync(file), successName)
  } catch (error) {
    const message = `${file}: expected a manifest of fanmill, got something else; extract into another folder`
    throw new PermanentError('OUTPUT_NOT_OURS', message, { file }, { cause: error })
  }
}

/** One that was cut short, or changed by others, says nothing. */
function readMarker(file: string): Marker | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Marker
  } catch {
    return undefined
  }
}

function checkStrangers(folder: string, paths: readonly string[], previous: Manifest | undefined): void {
  const ours = new Set((previous?.files ?? []).map(file => file.path))
  const strangers: string[] = []
  for (const path of paths) {
    if (ours.has(path) || !isThere(join(folder, path))) continue
    strangers.push(path)
    if (strangers.length === shownMax) break
  }
  if (strangers.length === 0) return
  const message = `${folder} holds files that would be overwritten, such as ${strangers[0]}; remove them, or extract into another folder`
  throw new PermanentError('OUTPUT_NOT_OURS', message, { folder, files: strangers })
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return false
    throw error
  }
}

function writeWhole(file: string, bytes: Uint8Array): void {
  writeFileSync(`${file}.tmp`, bytes)
  renameSync(`${file}.tmp`, file)
}
