/** A pipeline with a task that reads what another one writes. */
import { expect, it } from 'vitest'
import { allowed, pipelineFile, synthesise } from './stacks.ts'

it('runs its tasks one after another, and lets Process read the parts that a task reads', () => {
  const { template } = synthesise({ entry: pipelineFile('chained.ts'), include: [] })
  const [machine] = Object.values(template.findResources('AWS::StepFunctions::StateMachine'))
  const definition = JSON.stringify(machine)
  expect(definition.indexOf('tasks 1 complete?')).toBeGreaterThan(0)
  expect(definition).toContain('begin tasks 2')
  const mayRead = allowed(template, 'VisitsProcess1Role').filter(pair => pair.startsWith('s3:GetObject '))
  expect(mayRead.filter(pair => pair.includes('part-'))).toEqual([expect.stringContaining('/sales/*part-*.parquet')])
})
