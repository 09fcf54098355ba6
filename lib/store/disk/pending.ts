/** Paths of pending parts on a disk: outside the folders of datasets, because readers that list those take any file there for a part. */
import assert from 'node:assert'
import { stateRoot } from '../state-root.ts'
import type { PendingPart, StagingRun } from '../store.ts'

/** Prefix of all pending parts, followed by `{runId}/{attempt}/{token}/{key}`. */
export const pendingPrefix = `${stateRoot}pending/`

/** Name that older versions gave a pending part, in the folder of the dataset; their tokens were eight hex digits and a number. */
const olderName = /^(.+)\.pending-([0-9a-f]{8}\d+)$/s
const pendingFile = /^\.fanmill\/pending\/([^/]+\/\d+\/([^/]+))\/(.+)$/s

/** Returns the folder of a run's pending parts, which is the `uploadId` of its parts. */
export function pendingFolder({ runId, attempt, token }: StagingRun): string {
  for (const name of [runId, token])
    assert(/^[\w-]+$/.test(name), `expected a name of letters, digits, _ and -, got ${JSON.stringify(name)}`)
  return `${runId}/${attempt}/${token}`
}

export function pendingKey({ key, token, uploadId }: Pick<PendingPart, 'key' | 'token' | 'uploadId'>): string {
  return uploadId === undefined ? `${key}.pending-${token}` : `${pendingPrefix}${uploadId}/${key}`
}

/** Returns the pending part of a file; undefined for any other file. */
export function pendingPartAt(file: string): Pick<PendingPart, 'key' | 'token' | 'uploadId'> | undefined {
  const [, uploadId, token, key] = pendingFile.exec(file) ?? []
  if (uploadId !== undefined && token !== undefined && key !== undefined) return { key, token, uploadId }
  const [, olderKey, olderToken] = olderName.exec(file) ?? []
  return olderKey === undefined || olderToken === undefined ? undefined : { key: olderKey, token: olderToken }
}

/** Returns whether no pending part of a prefix can be below a folder of pending parts. */
export function isApart(folderKey: string, prefix: string): boolean {
  const below = folderKey.slice(pendingPrefix.length).split('/').slice(3).join('/')
  return !below.startsWith(prefix) && !prefix.startsWith(below)
}
