import { afterEach, expect, it } from 'vitest'
import { Account, pipelineText, uploadEvent } from './account.ts'

let account: Account
afterEach(() => account.close())

it('starts one run over all archives of the month that a marker file names', async () => {
  account = await Account.open(pipelineText({ trigger: 'incoming/{month}/_READY' }))
  const first = await account.upload('incoming/2001-01/a.zip', { 'a.csv': 'x,y\n1,2\n' })
  await account.upload('incoming/2001-01/b.zip', { 'b.csv': 'x,y\n3,4\n' })
  await account.write('input/incoming/2001-01/_READY', '')
  expect(await account.execute('points', first)).toMatchObject({ status: 'ignored' })
  expect(await account.execute('points', uploadEvent('incoming/2001-01/_READY'))).toMatchObject({ status: 'planned' })
  expect(await account.rows('points/2001-01')).toEqual([
    { x: 1, y: 2 },
    { x: 3, y: 4 },
  ])
})
