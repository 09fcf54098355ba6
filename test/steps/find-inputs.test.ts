import { describe, expect, it } from 'vitest'
import { csv, files, zipMembers } from '../../lib/define/index.ts'
import { memoryStore } from '../../lib/io/memory-store.ts'
import { findInputs } from '../../lib/steps/find-inputs.ts'
import { zipText } from '../../lib/testing/zip-text.ts'

const format = csv()

describe('an input that nothing matches', () => {
  it('is told with glob, root and the nearest names, whatever they are, state and packages left out', async () => {
    const input = memoryStore()
    const keys = ['.fanmill/incoming/a.zip', 'node_modules/incoming/b.zip', 'incoming/2001.zip', 'other/readme.txt']
    for (const key of keys) await input.write(key, Buffer.from('x'))
    const finding = findInputs({
      input,
      params: {},
      task: { ...task, source: files({ paths: 'incomming/*.csv', format }) },
    })
    await expect(finding).rejects.toMatchObject({
      code: 'NO_INPUT',
      message: `nothing under ${input.url} matches incomming/*.csv; nearest are incoming/2001.zip, other/readme.txt`,
      detail: { glob: 'incomming/*.csv', root: input.url, nearest: ['incoming/2001.zip', 'other/readme.txt'] },
    })
  })

  it('is told with the archive and the nearest members where the archive is there', async () => {
    const input = memoryStore()
    await input.write('in/a.zip', zipText({ 'readme.txt': 'x', 'data/2.csv': 'id\n', 'data/1.csv': 'id\n' }))
    const finding = findInputs({ input, params: {}, task: { ...task, source: archivesOf('**/*.cvs') } })
    await expect(finding).rejects.toMatchObject({
      code: 'NO_INPUT',
      message: `no member of in/a.zip under ${input.url} matches **/*.cvs; nearest are data/1.csv, data/2.csv, readme.txt`,
    })
  })

  it('is no failure where the task says so', async () => {
    const found = await findInputs({
      input: memoryStore(),
      params: {},
      task: { ...task, source: archivesOf('**'), onEmpty: 'succeed' },
    })
    expect(found).toMatchObject({ inputs: [], memberCount: 0, bytesIn: 0 })
  })
})

const task = { name: 'sales', params: {}, onEmpty: 'fail' } as const
const archivesOf = (members: string) => zipMembers({ archives: 'in/*.zip', members, format })
