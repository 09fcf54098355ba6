import { expect, it } from 'vitest'
import type { FindOptions } from '../../lib/inputs/find-options.ts'
import { readValues } from '../../lib/inputs/read-values.ts'

const options = { task: { name: 't' }, params: {} } as unknown as FindOptions
const reading = (error: Error) =>
  readValues(() => Promise.reject(error), { source: 'rowsFrom', option: 'partitions' }, options)

it('lets a network error of the function that lists partitions pass, and nothing else', async () => {
  const reset = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
  await expect(reading(reset)).rejects.toMatchObject({ name: 'TransientError', code: 'SOURCE_FAILED' })
  await expect(reading(new Error('no key'))).rejects.toMatchObject({
    name: 'PermanentError',
    message: 'task t: partitions() failed: no key',
  })
})
