/** A pipeline of sixty tasks. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Stack } from 'aws-cdk-lib'
import { expect, it } from 'vitest'
import { FanmillPipeline } from '../../infra/index.ts'
import { ownArchitecture, pipelineFile, templateApp } from './stacks.ts'

it('has a state machine as short as that of two tasks, and a template far below 1 MB', () => {
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
  const { DefinitionString } = machines[0]!.Properties as { DefinitionString: string }
  expect(DefinitionString).not.toContain('task-1')
  expect(DefinitionString.length).toBeLessThan(32 * 1024)
})
