/** Rewrites samples of other forms (UTF-16, JSON documents, XML) to records in lines, as a run does. */
import { Buffer } from 'node:buffer'
import type { TextFormat } from '../../define/formats/format-kind.ts'
import { withPlace } from '../../model/member-place.ts'
import { type RewriteTextOptions, type RewrittenText, rewriteText } from '../../text/text-filter.ts'
import type { Sample } from './bytes.ts'
import type { SampleText } from './sample.ts'

/** Returns the records of a sample as its format rewrites them, without those that the end of the sample cuts. @throws INPUT_INVALID, INPUT_ENCODING */
export async function rewriteSample({ name, bytes, isWhole }: Sample, format: TextFormat): Promise<Sample> {
  const written: Uint8Array[] = []
  const { chunks, gaps } = rewriteText(beginningOf(bytes, isWhole), { format, name })
  try {
    for await (const chunk of chunks) written.push(Uint8Array.from(chunk))
  } catch (error) {
    if (error !== endOfSample) throw withPlace(error, { archive: name, member: '' })
  }
  return { name, bytes: Buffer.concat(written), isWhole, gaps }
}

/** Stands for the rest of a text, so that the end of its sample is not taken for its own. */
export const endOfSample = new Error('the sample ends')

/** Yields a sample as the beginning of its text. @throws `endOfSample` where the text continues */
export async function* beginningOf(bytes: Uint8Array, isWhole: boolean): AsyncGenerator<Uint8Array> {
  yield bytes
  if (!isWhole) throw endOfSample
}

/** Returns a text as its format rewrites it. */
export function rewrittenText({ name, open }: SampleText, options: Omit<RewriteTextOptions, 'name'>): SampleText {
  let text: RewrittenText | undefined
  return {
    name,
    open() {
      text = rewriteText(open(), { ...options, name })
      return text.chunks
    },
    gaps: () => text?.gaps,
  }
}
