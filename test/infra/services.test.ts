/** A pipeline whose tasks run programs and call services. */
import { createRequire } from 'node:module'
import { beforeAll, expect, it } from 'vitest'
import type { State } from '../../lib/aws/invoke-states.ts'
import { allowed, type Deployed, pipelineFile, statementsOf, synthesise } from './stacks.ts'

const validateDefinition = createRequire(import.meta.url)('asl-validator') as (definition: unknown) => {
  readonly errors: readonly unknown[]
}

const placeholder = (name: string): string => `\${${name}}`
let template: Deployed['template']
let machine: { readonly DefinitionString: string; readonly DefinitionSubstitutions: Record<string, unknown> }
beforeAll(() => {
  ;({ template } = synthesise({ entry: pipelineFile('services.ts'), include: [] }))
  machine = Object.values(template.findResources('AWS::StepFunctions::StateMachine'))[0]?.Properties as typeof machine
})

it('has one state for each integration, whose arguments are those of its input, and is valid', () => {
  const definition = JSON.parse(machine.DefinitionString)
  expect(validateDefinition(definition).errors).toEqual([])
  const { States: states } = definition.States.nodes.ItemProcessor
  const calls = Object.entries<State>(states).filter(
    ([, state]) => state.Type === 'Task' && state.InputPath === '$.call.arguments',
  )
  expect(Object.fromEntries(calls.map(([name, { Resource }]) => [name, Resource]))).toEqual({
    'node: glue:startJobRun.sync': placeholder('GlueStartJobRunSync'),
    'node: emr-serverless:startJobRun.sync': placeholder('EmrServerlessStartJobRunSync'),
  })
  expect(JSON.stringify(machine.DefinitionSubstitutions.GlueStartJobRunSync)).toContain(
    ':states:::glue:startJobRun.sync',
  )
})

it('gives the state machine only what the tasks declare for their services', () => {
  const own = statementsOf(template, 'VisitsStateMachineRole').filter(({ Action }) =>
    Action.some(action => /^(glue|iam|emr)/.test(action)),
  )
  const texts = own.map(({ Action, Resource, Condition }) =>
    [...Action, ...Resource, JSON.stringify(Condition)].join(' '),
  )
  expect(texts.sort()).toEqual([
    'glue:StartJobRun glue:GetJobRun arn:aws:glue:eu-west-1:123456789012:job/marts ',
    'glue:StartJobRun glue:GetJobRun arn:aws:glue:eu-west-1:123456789012:job/totals ',
    'iam:PassRole arn:aws:iam::123456789012:role/emr {"StringEquals":{"iam:PassedToService":"emr-serverless.amazonaws.com"}}',
  ])
})

it('lets programs write into the folders of their targets, and Plan look for all targets', () => {
  const writes = allowed(template, 'VisitsProcess1Role').filter(pair => pair.startsWith('s3:PutObject '))
  expect(writes.filter(pair => !pair.includes('.fanmill'))).toEqual([expect.stringContaining('/exported/*')])
  const listing = statementsOf(template, 'VisitsPlanRole').filter(({ Action }) => Action.includes('s3:ListBucket'))
  const prefixes = listing.flatMap(
    ({ Condition }) => (Condition as { StringLike: Record<string, string[]> }).StringLike['s3:prefix'],
  )
  expect(prefixes).toEqual(expect.arrayContaining(['exported/*', 'marts/*', 'totals/*']))
})
