/** Whether deployed functions can run shipped code. */
import { expect, it } from 'vitest'
import { checkShipFacts, shipFactsOf } from '../../lib/aws/ship-facts.ts'
import type { PipelineDefinition, TaskDefinition } from '../../lib/define/definition.ts'
import { column, csv, files, param, parquet, pipeline, secret, stateTask, task } from '../../lib/index.ts'

const visits = task({
  name: 'visits',
  params: { month: param.month() },
  source: files({ paths: 'incoming/{month}/*.csv', format: csv() }),
  columns: { city: column.string(), count: column.int32() },
  output: parquet({ path: '{task}/{month}' }),
})
const called = (job: string) =>
  stateTask({
    name: 'called',
    integration: 'glue:startJobRun.sync',
    arguments: () => ({ JobName: 'visits' }),
    permissions: [{ actions: ['glue:StartJobRun'], resources: [`arn:aws:glue:*:*:job/${job}`] }],
    target: 'called/_DONE',
    local: () => {},
  })
const others = { versions: ['fanmill@0.1.0', 'engine@1.5.5'], include: [], external: { sharp: '0.34.1' } }
const pipelineOf = (...tasks: TaskDefinition[]): PipelineDefinition => pipeline({ name: 'visits', tasks })
const check = (shipped: PipelineDefinition, given: Partial<typeof others> = {}) =>
  checkShipFacts(deployedFacts, shipFactsOf(shipped, { ...others, external: {}, ...given }), shipped)
const deployedFacts = shipFactsOf(pipelineOf(visits), others)

it('accepts other steps, columns, formats and triggers', () => {
  const edited = visits
    .with({ source: files({ paths: 'incoming/{month}/*.csv', format: csv({ delimiter: ';' }) }) })
    .with({ columns: { city: column.string(), count: column.int64() } })
  expect(() => check(pipelineOf(edited))).not.toThrow()
  expect(() => check(pipelineOf(edited), { external: { sharp: '0.34.1' } })).not.toThrow()
})

it.each([
  [
    'keys to read',
    pipelineOf(visits.with({ source: files({ paths: 'other/{month}/*.csv', format: csv() }) })),
    /other\//,
  ],
  ['keys to write', pipelineOf(visits.with({ output: parquet({ path: 'lake/{month}' }) })), /lake\//],
  ['keys to write', pipelineOf(visits, visits.with({ name: 'second' })), /second\//],
  ['secrets', pipelineOf(visits.with({ secrets: { key: secret('api-key') } })), /api-key/],
  ['tasks', pipelineOf(visits.with({ name: 'renamed', output: parquet({ path: 'visits/{month}' }) })), /renamed/],
])('refuses other %s than the deployed ones, and says which', (what, shipped, named) => {
  const error = errorOf(() => check(shipped))
  expect(error).toMatchObject({ code: 'SHIP_NEEDS_DEPLOYMENT' })
  expect(error.message).toContain(`expected the ${what} of the deployed pipeline, got others: `)
  expect(error.message).toMatch(named)
  expect(error.message).toMatch(/; deploy it: npx cdk deploy$/)
})

it('refuses a call of a service with other permissions', () => {
  const facts = shipFactsOf(pipelineOf(visits, called('one')), others)
  const shipped = pipelineOf(visits, called('two'))
  expect(() => checkShipFacts(facts, shipFactsOf(shipped, { ...others, external: {} }), shipped)).toThrow(
    /services to call, with permissions, of the deployed pipeline, got others: .*job\/two/,
  )
})

it('refuses code of another version, and packages that the deployed functions have in another one or not at all', () => {
  expect(() => check(pipelineOf(visits), { versions: ['fanmill@0.2.0'] })).toThrow(
    /expected code of fanmill@0.1.0 with engine@1.5.5, which is deployed, got code of fanmill@0.2.0/,
  )
  expect(() => check(pipelineOf(visits), { external: { sharp: '0.33.0' } as never })).toThrow(
    /the package sharp in the deployed functions in version 0.33.0, got 0.34.1/,
  )
  expect(() => check(pipelineOf(visits), { external: { canvas: '3.0.0' } as never })).toThrow(
    /the package canvas in the deployed functions in version 3.0.0, got none/,
  )
})

function errorOf(act: () => void): Error {
  try {
    act()
  } catch (error) {
    return error as Error
  }
  throw new Error('expected an error, got none')
}
