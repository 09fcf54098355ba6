import { describe, expect, it } from 'vitest'
import { refuseForeignFiles } from '../../lib/commit/foreign-files.ts'
import { filesOutcome } from '../../lib/model/outcome/files-outcome.ts'
import { runKeys, stateBytes } from '../../lib/state/state.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'

const run = { runId: '0123456789abcdef', attempt: 2, outputPath: 'flights', outputKind: 'memberFiles' as const }
const bytes = new TextEncoder().encode('x')

/** A store with a file of the first attempt, whose outcome names it. */
async function withFile({ hasJournal }: { readonly hasJournal: boolean }) {
  const store = memoryStore()
  await store.write('flights/a.txt', bytes)
  const keys = runKeys({ ...run, attempt: 1 })
  const outcome = filesOutcome({
    ...{ batch: 0, runId: run.runId, attempt: 1, token: 't', slices: [0], bytesIn: 1, seconds: 1 },
    files: [{ path: 'a.txt', crc32: 1, sizeBytes: 1 }],
    skipped: undefined,
  })
  await store.write(keys.outcome(0), stateBytes(outcome))
  if (hasJournal) await store.write(keys.journal, new TextEncoder().encode('{"fanmill"'))
  return store
}

describe('extracted files that no manifest lists', () => {
  it('are known as ours when a commit of an earlier attempt made them visible, though its journal is damaged', async () => {
    const store = await withFile({ hasJournal: true })
    expect(await refuseForeignFiles(store, run, undefined, ['a.txt'])).toEqual(['flights/a.txt'])
  })

  it('are refused when no commit of the run had begun', async () => {
    const store = await withFile({ hasJournal: false })
    await expect(refuseForeignFiles(store, run, undefined, ['a.txt'])).rejects.toMatchObject({
      code: 'OUTPUT_NOT_OURS',
      detail: { keys: ['flights/a.txt'] },
    })
  })

  it('may stay when the run writes other files', async () => {
    const store = await withFile({ hasJournal: false })
    expect(await refuseForeignFiles(store, run, undefined, ['b.txt'])).toEqual([])
  })
})
