/** Where a disk keeps pending parts: outside of every dataset's folder, since readers that list folders take any file there for a part. */
import assert from 'node:assert'
import { stateRoot } from '../state-root.ts'
import type { PendingPart, StagingRun } from '../store.ts'

/** Prefix of all pending parts: `{runId}/{attempt}/{token}/{key}` below it. */
export const pendingPrefix = `${stateRoot}pending/`

/** Older versions kept a pending part beside its final place, under this name; their tokens were eight hex digits and a number. */
const olderName = /^(.+)\.pending-([0-9a-f]{8}\d+)$/s
const pendingFile = /^\.fanmill\/pending\/([^/]+\/\d+\/([^/]+))\/(.+)$/s

/** The folder of a run's pending parts, as a pending part's `uploadId` names it. */
export function pendingFolder({ runId, attempt, token }: StagingRun): string {
  for (const name of [runId, token])
    assert(/^[\w-]+$/.test(name), `expected a name of letters, digits, _ and -, got ${JSON.stringify(name)}`)
  return `${runId}/${attempt}/${token}`
}

/** Key of the file that holds a pending part. */
export function pendingKey({ key, token, uploadId }: Pick<PendingPart, 'key' | 'token' | 'uploadId'>): string {
  return uploadId === undefined ? `${key}.pending-${token}` : `${pendingPrefix}${uploadId}/${key}`
}

/** The pending part that a file holds; undefined for any other file. */
export function pendingPartAt(file: string): Pick<PendingPart, 'key' | 'token' | 'uploadId'> | undefined {
  const [, uploadId, token, key] = pendingFile.exec(file) ?? []
  if (uploadId !== undefined && token !== undefined && key !== undefined) return { key, token, uploadId }
  const [, olderKey, olderToken] = olderName.exec(file) ?? []
  return olderKey === undefined || olderToken === undefined ? undefined : { key: olderKey, token: olderToken }
}

/** Whether no pending part of a prefix can be below a folder of pending parts. */
export function isApart(folderKey: string, prefix: string): boolean {
  const below = folderKey.slice(pendingPrefix.length).split('/').slice(3).join('/')
  return !below.startsWith(prefix) && !prefix.startsWith(below)
}
