/** Finds the parts that another task of the pipeline has committed. */
import { createHash } from 'node:crypto'
import type { PartitionsOfSource } from '../define/definition.ts'
import { type FanmillError, PermanentError } from '../errors/errors.ts'
import type { Manifest, ManifestPart } from '../model/manifest.ts'
import { outputPathOf } from '../model/output-path.ts'
import type { InputObject } from '../model/plan-data.ts'
import { sortInputs } from '../model/run-identity.ts'
import { readState } from '../state/files.ts'
import { outputPrefix, readManifest, successKey } from '../state/state.ts'
import { type FindOptions, type FoundObjects, noMembers } from './find-options.ts'
import { spread } from './spread.ts'

/** Each part with rows is an input, pinned as the manifest has it: one request, and nothing is listed. @throws NO_INPUT without a complete dataset */
export async function findDataset({ of }: PartitionsOfSource, options: FindOptions): Promise<FoundObjects> {
  const { input, params, sample } = options
  const own = Object.fromEntries(Object.keys(of.params).flatMap(name => (name in params ? [[name, params[name]]] : [])))
  const outputPath = outputPathOf(of, own as typeof params)
  const manifest = await readState(input, successKey(outputPath), readManifest)
  if (!manifest) throw notComplete(of.name, { outputPath, options })
  const inputs = spread(sortInputs(partsOf(manifest).map(part => inputOfPart(outputPrefix(outputPath), part))), sample)
  const bytes = inputs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  return {
    inputs,
    cut: chosen =>
      chosen.map(({ sizeBytes }, index) => ({ kind: 'file', slice: index, input: index, bytes: sizeBytes })),
    memberCount: inputs.length,
    ...noMembers,
    bytesIn: bytes,
    bytes,
  }
}

/** Returns the parts with rows; the first one where none has any, for its columns. */
function partsOf({ parts }: Manifest): readonly ManifestPart[] {
  const filled = parts.filter(({ rows }) => rows > 0)
  return filled.length > 0 ? filled : parts.slice(0, 1)
}

/** A part's name holds its run and attempt, and is never used for other rows. */
function inputOfPart(prefix: string, { key, bytes, etag, rows }: ManifestPart): InputObject {
  const identity = createHash('sha256')
    .update(JSON.stringify([key, bytes, rows]))
    .digest('hex')
    .slice(0, 32)
  return { key: prefix + key, sizeBytes: bytes, etag, identity }
}

function notComplete(
  upstream: string,
  { outputPath, options }: { readonly outputPath: string; readonly options: FindOptions },
): FanmillError {
  const { task, input } = options
  const message = `task ${task.name}: expected the dataset of task ${upstream} at ${input.url}/${outputPath}, got no _SUCCESS; run ${upstream} first`
  return new PermanentError('NO_INPUT', message, { task: task.name, upstream, outputPath })
}
