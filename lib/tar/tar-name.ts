/** Recognises tar archives by their names, with the compression around them. */
import { type Compression, compressions } from '../inflate/compression.ts'

export interface TarName {
  /** Undefined for a plain archive. */
  readonly compression: Compression | undefined
}

/** Returns how a tar archive is compressed: `.tar`, `.tar.gz` and `.tgz`, and so on; undefined for a name of another kind. */
export function tarName(name: string): TarName | undefined {
  const lower = name.toLowerCase()
  if (lower.endsWith('.tar')) return { compression: undefined }
  const compression = compressions.find(({ ending, tarEndings }) =>
    [`.tar${ending}`, ...tarEndings].some(each => lower.endsWith(each)),
  )
  return compression && { compression }
}
