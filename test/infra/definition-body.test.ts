import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Stack } from 'aws-cdk-lib'
import { expect, it } from 'vitest'
import { makeDefinitionBody } from '../../infra/definition-body.ts'
import { FanmillPipeline } from '../../infra/index.ts'
import { ownArchitecture, pipelineFile, templateApp } from './stacks.ts'

const definitionOf = (bytes: number) => ({
  ...{ Comment: 'x'.repeat(bytes), TimeoutSeconds: 1, StartAt: 'a' },
  States: { a: { Type: 'Succeed' } },
})

it('ships the definition of sixty tasks as an asset, so that the template stays far below 1 MB', () => {
  const app = templateApp()
  const stack = new Stack(app, 'Test')
  const entry = { entry: pipelineFile('many.ts'), architecture: ownArchitecture } as const
  new FanmillPipeline(stack, 'Many', entry)
  const { directory } = app.synth()
  const text = readFileSync(join(directory, 'Test.template.json'), 'utf8')
  expect(Buffer.byteLength(text)).toBeLessThan(400_000)
  const machines = Object.values<{ Type: string; Properties: object }>(JSON.parse(text).Resources).filter(
    ({ Type }) => Type === 'AWS::StepFunctions::StateMachine',
  )
  expect(machines[0]!.Properties).toMatchObject({
    DefinitionS3Location: { Bucket: expect.anything(), Key: expect.anything() },
    DefinitionSubstitutions: { PlanFunction: expect.anything(), LambdaInvoke: expect.anything() },
  })
})

it('refuses a definition that is too long for Step Functions, and advises to divide the tasks', () => {
  expect(() => makeDefinitionBody(definitionOf(2 ** 20))).toThrow(
    /expected a state machine of at most 1048576 bytes, got \d+; divide the tasks over several pipelines/,
  )
  expect(() => makeDefinitionBody(definitionOf(1000))).not.toThrow()
})
