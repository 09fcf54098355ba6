import { expect, it } from 'vitest'
import { csv, zipMembers } from '../../lib/define/index.ts'
import { type OpenArchive, openArchive } from '../../lib/inputs/archives/open-archive.ts'
import { keepInput, takeInput } from '../../lib/inputs/kept-input.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'
import { membersOf } from '../../lib/zip/member-list.ts'
import { buildZip } from '../zip-builder.ts'

it('keeps an opened archive as JSON, with its members and those that it skips', async () => {
  const input = memoryStore()
  await input.write('a.zip', buildZip([{ name: 'a.csv', data: 'x' }, { name: 'b.csv', method: 93 }, { name: 'c.csv' }]))
  const source = zipMembers({ paths: '*.zip', format: csv(), onBadMember: 'skip' })
  const opened = await openArchive(source, (await input.stat('a.zip'))!, { input })
  const taken = takeInput(JSON.parse(JSON.stringify(keepInput(opened)))) as OpenArchive
  expect(taken.input).toEqual(opened.input)
  expect([...membersOf(taken.members)].map(({ name }) => name)).toEqual(['a.csv', 'c.csv'])
  expect(taken.members.span(1)).toMatchObject(opened.members.span(1))
  expect([taken.skipped.length, taken.skipped.get(0)]).toEqual([1, opened.skipped.get(0)])
})

it('keeps an input that is not an archive unchanged', () => {
  const input = { key: 'a.csv', sizeBytes: 1, etag: 'e', identity: 'i' }
  expect(takeInput(keepInput({ input }))).toEqual({ input })
})
