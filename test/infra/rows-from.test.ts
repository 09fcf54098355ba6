/** A pipeline that reads no objects. */
import { expect, it } from 'vitest'
import { pipelineFile, statementsOf, synthesise } from './stacks.ts'

it('may not read its input bucket where its rows come from code alone', () => {
  const { template } = synthesise({ entry: pipelineFile('orders.ts'), include: [] })
  for (const role of ['VisitsPlanRole', 'VisitsProcess1Role']) {
    const statements = statementsOf(template, role)
    expect(statements.length).toBeGreaterThan(3)
    expect(statements.filter(({ Resource }) => Resource.length === 0)).toEqual([])
    expect(statements.flatMap(({ Resource }) => Resource).filter(resource => /Input/.test(resource))).toEqual([])
  }
})
