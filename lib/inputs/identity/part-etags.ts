/** Finds the present etags of parts, by which a plan pins them. */
import { PermanentError } from '../../errors/errors.ts'
import type { Manifest, ManifestPart } from '../../model/outcome/manifest.ts'
import { mapParallel } from '../../state/files.ts'
import type { Store, StoredObject } from '../../store/store.ts'

type PartStore = Pick<Store, 'url' | 'stat' | 'list'>

/** Files that are looked up one by one; more are found by a listing, of which a page has a thousand. */
const statsMax = 64

/** Returns the objects of parts below a prefix, by the keys of the parts; one that is gone has none. */
export async function partObjects(
  store: Pick<PartStore, 'stat' | 'list'>,
  prefix: string,
  parts: readonly Pick<ManifestPart, 'key'>[],
): Promise<ReadonlyMap<string, StoredObject>> {
  const objects = new Map<string, StoredObject>()
  if (parts.length <= statsMax)
    await mapParallel(parts, async ({ key }) => {
      const found = await store.stat(prefix + key)
      if (found) objects.set(key, found)
    })
  else for await (const found of store.list(prefix)) objects.set(found.key.slice(prefix.length), found)
  return objects
}

/**
 * Returns the parts of a dataset with their present etags. A copy of a dataset has the keys and sizes of its manifest, and other etags.
 * One part tells: the oldest run was there when any copy was made, so that nothing was copied since where its etag is that of the
 * manifest. A part that is gone or has another size makes the dataset unreadable, which matters only where a run is necessary.
 */
export async function pinParts(
  store: PartStore,
  prefix: string,
  { manifest, parts }: { readonly manifest: Manifest; readonly parts: readonly ManifestPart[] },
): Promise<{ readonly parts: readonly ManifestPart[]; readonly unreadable?: PermanentError }> {
  const byRun = new Map(parts.map(part => [part.runId, part]))
  const oldest = manifest.runs.map(({ runId }) => byRun.get(runId)).find(part => part !== undefined)
  if (!oldest || (await store.stat(prefix + oldest.key))?.etag === oldest.etag) return { parts }
  const objects = await partObjects(store, prefix, parts)
  const pinned = parts.map(part => ({ ...part, etag: objects.get(part.key)?.etag ?? part.etag }))
  const wrong = parts.find(({ key, bytes }) => objects.get(key)?.sizeBytes !== bytes)
  if (!wrong) return { parts: pinned }
  const foundBytes = objects.get(wrong.key)?.sizeBytes
  return { parts: pinned, unreadable: notAsWritten(`${store.url}/${prefix}${wrong.key}`, wrong.bytes, foundBytes) }
}

function notAsWritten(part: string, bytes: number, foundBytes: number | undefined): PermanentError {
  const message = `${part}: expected ${bytes} bytes as the manifest says, got ${foundBytes ?? 'no file'}; copy the dataset again, with all of its files`
  return new PermanentError(foundBytes === undefined ? 'DATASET_MISSING' : 'DATASET_DAMAGED', message, {
    part,
    bytes,
    foundBytes,
  })
}
