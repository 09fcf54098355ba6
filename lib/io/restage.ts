/** Text that is staged already, staged again with every record located. */
import { readFile } from 'node:fs/promises'
import type { Stage, StagedFile } from './stage.ts'

/** Pieces keep their order, and with it their index. Memory: one staged file, and one piece of it rewritten. */
export async function restage(files: readonly StagedFile[], stage: Stage): Promise<void> {
  const pieces = files
    .flatMap(file => file.members.map(member => ({ file, member })))
    .sort((a, b) => a.member.index - b.member.index)
  const texts = new Map<string, Buffer>()
  for (const { file, member } of pieces) {
    const text = texts.get(file.file) ?? (await readFile(file.file))
    texts.set(file.file, text)
    const { archive, firstLine, firstRecord, gaps = [] } = member
    const origin = { archive, member: member.member, firstLine, firstRecord, gaps, header: file.columns }
    stage.add(text.subarray(member.start, member.end), origin)
  }
}
