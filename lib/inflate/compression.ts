/** Which files are compressed: their names say so. */

/** By the ending of the name, in any case; undefined for what is read as it is. */
export function compressionOf(name: string): 'gzip' | 'zstd' | undefined {
  const [, ending] = compressedName.exec(name) ?? []
  if (ending === undefined) return undefined
  return ending.toLowerCase() === 'gz' ? 'gzip' : 'zstd'
}

/** The name of what is in it. */
export function withoutCompression(name: string): string {
  return name.replace(compressedName, '')
}

const compressedName = /\.(gz|zst)$/i
