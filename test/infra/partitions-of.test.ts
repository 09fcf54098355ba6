/** A pipeline with a task that reads what another one writes. */
import { expect, it } from 'vitest'
import { allowed, pipelineFile, synthesise } from './stacks.ts'

it('lets Process read the parts that a task reads', () => {
  const { template } = synthesise({ entry: pipelineFile('chained.ts'), include: [] })
  const mayRead = allowed(template, 'VisitsProcess1Role').filter(pair => pair.startsWith('s3:GetObject '))
  expect(mayRead.filter(pair => pair.includes('part-'))).toEqual([expect.stringContaining('/sales/*part-*.parquet')])
})
