/** Stages text again that is staged already, with every record located. */
import { type FileHandle, open } from 'node:fs/promises'
import { ReusedBuffer } from '../store/reused-buffer.ts'
import type { Stage } from './stage.ts'
import type { StagedFile, StagedMember } from './staged-file.ts'

/** Adds the members of staged files to a stage in their order, so that each keeps its index. Memory: the longest piece. */
export async function restage(files: readonly StagedFile[], stage: Stage): Promise<void> {
  const pieces = files
    .flatMap(file => file.members.map(member => ({ file, member })))
    .sort((a, b) => a.member.index - b.member.index)
  const buffer = new ReusedBuffer()
  const handles = new Map<string, FileHandle>()
  try {
    for (const { file, member } of pieces) {
      const handle = handles.get(file.file) ?? (await open(file.file))
      handles.set(file.file, handle)
      const { archive, firstLine, firstRecord, gaps = [] } = member
      const origin = { archive, member: member.member, firstLine, firstRecord, gaps, header: file.columns }
      stage.add(await readPiece(handle, member, buffer), origin)
    }
  } finally {
    for (const handle of handles.values()) await handle.close()
  }
}

async function readPiece(handle: FileHandle, { start, end }: StagedMember, buffer: ReusedBuffer): Promise<Uint8Array> {
  const bytes = buffer.take(end - start)
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, at, bytes.length - at, start + at)
    if (bytesRead === 0) throw new Error(`expected ${bytes.length} bytes at ${start}, got ${at}`)
    at += bytesRead
  }
  return bytes
}
