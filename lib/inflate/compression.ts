/** Recognises compressed files by their names. */

/** Returns the compression that a name ends in, in upper or lower case; undefined for a file that is not compressed. */
export function compressionOf(name: string): 'gzip' | 'zstd' | undefined {
  const [, ending] = compressedName.exec(name) ?? []
  if (ending === undefined) return undefined
  return ending.toLowerCase() === 'gz' ? 'gzip' : 'zstd'
}

/** Returns the name without the ending of its compression. */
export function withoutCompression(name: string): string {
  return name.replace(compressedName, '')
}

const compressedName = /\.(gz|zst)$/i
