/** Roots of inputs and outputs as users name them: folders, or places in S3. */
import { join, resolve } from 'node:path'
import type { StoreSpec } from './open-store.ts'
import { formatStoreUrl, parseStoreUrl } from './store-url.ts'

/** Options that say how S3 is reached. */
export interface RootAccess {
  /** Profile of the AWS configuration files; default as the AWS SDK finds credentials. */
  readonly profile?: string
  /** Region of the buckets, such as `eu-west-1`; default as the AWS SDK finds it. */
  readonly region?: string
}

/** Default output folder, below the working directory. */
export const defaultOutput = 'out'

/** Returns a root as a store's description; relative folders start from the working directory. @throws USAGE for other addresses than s3:// */
export function rootSpec(
  root: string,
  { profile, region, kmsKeyId }: RootAccess & { readonly kmsKeyId?: string } = {},
): StoreSpec {
  const place = parseStoreUrl(root)
  return place ? { kind: 's3', ...place, profile, region, kmsKeyId } : { kind: 'disk', folder: resolve(root) }
}

/** Returns the spec of a folder inside a store; `path` is `/`-separated. */
export function specBelow(spec: StoreSpec, path: string): StoreSpec {
  if (spec.kind === 'disk') return { ...spec, folder: join(spec.folder, ...path.split('/')) }
  return { ...spec, prefix: `${spec.prefix}${path}/` }
}

/** Returns the path or address of a key, for messages. */
export function urlBelow(spec: StoreSpec, path: string): string {
  return spec.kind === 'disk'
    ? join(spec.folder, ...path.split('/'))
    : formatStoreUrl({ ...spec, prefix: spec.prefix + path })
}
