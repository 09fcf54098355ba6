/** A pipeline with a task that finds out what it requires. */
import { expect, it } from 'vitest'
import { allowed, pipelineFile, synthesise } from './stacks.ts'

it('lets Graph read inputs and datasets, but change nothing but graphs, and Process read what was found out', () => {
  const { template } = synthesise({ entry: pipelineFile('discovering.ts'), include: [] })
  const graph = allowed(template, 'VisitsGraphRole').join('\n')
  expect(graph).toMatch(/s3:GetObject .*visits\/\*/)
  expect(graph).toMatch(/s3:GetObject .*lake\/visits\/\*/)
  expect(graph).toMatch(/s3:GetObject .*lake\/first/)
  const written = graph.split('\n').filter(pair => /^s3:(?!Get|List)/.test(pair))
  expect(written).toEqual([expect.stringMatching(/^s3:PutObject .*\.fanmill\/graphs\/\*$/)])
  expect(allowed(template, 'VisitsProcess1Role').join('\n')).toMatch(/s3:GetObject .*\.fanmill\/graphs\/discovered\/\*/)
})
