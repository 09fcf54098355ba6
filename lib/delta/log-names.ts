/** Names of the files in a table's log. */

/** The folder of the log, in that of the table. */
export const logFolder = '_delta_log/'
/** Names the last checkpoint; the protocol allows it to be missing or old. */
export const lastCheckpointName = '_last_checkpoint'

const padded = (number: number, digits: number): string => String(number).padStart(digits, '0')

export const versionName = (version: number): string => `${padded(version, 20)}.json`

/** Returns the names of a checkpoint's files. */
export function checkpointNames(version: number, partCount?: number): string[] {
  const stem = `${padded(version, 20)}.checkpoint`
  if (partCount === undefined) return [`${stem}.parquet`]
  const parts = Array.from({ length: partCount }, (_, index) => index + 1)
  return parts.map(part => `${stem}.${padded(part, 10)}.${padded(partCount, 10)}.parquet`)
}

/** A checkpoint by its version and the number of its files; without a number it is one file. */
export interface CheckpointName {
  readonly version: number
  readonly partCount?: number | undefined
}

/** Finds the complete checkpoints among the names of a log's files, the oldest first. */
export function findCheckpoints(names: readonly string[]): CheckpointName[] {
  const there = new Set(names)
  const found = names.flatMap((name): CheckpointName[] => {
    const [, version, , parts] = /^(\d{20})\.checkpoint(\.0000000001\.(\d{10}))?\.parquet$/.exec(name) ?? []
    if (version === undefined) return []
    return [{ version: Number(version), partCount: parts === undefined ? undefined : Number(parts) }]
  })
  const isComplete = ({ version, partCount }: CheckpointName) =>
    checkpointNames(version, partCount).every(name => there.has(name))
  return found.filter(isComplete).sort((a, b) => a.version - b.version)
}

/** Returns the version of a checkpoint in the newer form, which Fanmill does not read; undefined for other files. */
export function v2CheckpointVersion(name: string): number | undefined {
  const [, version] = /^(\d{20})\.checkpoint\.[0-9a-f-]{36}\.(?:parquet|json)$/.exec(name) ?? []
  return version === undefined ? undefined : Number(version)
}

/** Returns the version of a version's file; undefined for other files. */
export function versionOf(name: string): number | undefined {
  const [, version] = /^(\d{20})\.json$/.exec(name) ?? []
  return version === undefined ? undefined : Number(version)
}
