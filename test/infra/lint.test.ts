/** Checks synthesized templates and definitions with validators of CloudFormation and Step Functions. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Template } from 'aws-cdk-lib/assertions'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { beforeAll, describe, expect, it } from 'vitest'
import { installLocalStack } from '../localstack/install.ts'
import { everyProp, pipelineFile, synthesise } from './stacks.ts'

interface Definition {
  readonly States: Readonly<Record<string, unknown>>
}

const validateDefinition = createRequire(import.meta.url)('asl-validator') as (definition: unknown) => {
  readonly isValid: boolean
  readonly errors: readonly { readonly Message: string }[]
}

/** Templates by what is special about their stack. */
let templates: Readonly<Record<string, Template>>
beforeAll(() => {
  templates = {
    defaults: synthesise().template,
    'every prop': synthesise(everyProp).template,
    'Glue tables': synthesise({ entry: pipelineFile('sales.ts'), include: [], glueDatabase: 'lake' }).template,
    'many tasks': synthesise({ entry: pipelineFile('many.ts'), include: [] }).template,
    'given buckets': synthesise(stack => ({
      input: Bucket.fromBucketName(stack, 'Inbox', 'inbox'),
      output: new Bucket(stack, 'Lake'),
    })).template,
  }
})

describe('cfn-lint', () => {
  /** A template with a property that its resource does not have. */
  const wrong = { Resources: { Queue: { Type: 'AWS::SQS::Queue', Properties: { Colour: 'red' } } } }
  /** Lines that it prints when it checks all templates in one start; undefined where it cannot be installed. */
  let lines: readonly string[] | undefined
  beforeAll(async () => {
    // Installed together with LocalStack, which needs the same Python.
    const python = (await installLocalStack())?.python
    const message = 'cfn-lint needs Python 3.11 or later with venv; without it no template is linted'
    if (python === undefined && process.env.CI) throw new Error(message)
    if (python === undefined) console.warn(`\n  LEFT OUT: test/infra/lint. ${message}.\n`)
    else lines = await lint(join(dirname(python), 'cfn-lint'), { ...templates, wrong: { toJSON: () => wrong } })
  })

  it('finds nothing in any template', ({ skip }) => {
    if (lines === undefined) return skip()
    expect(lines.filter(line => !line.includes('wrong.json'))).toEqual([])
  })

  it('finds a property that a resource does not have', ({ skip }) => {
    if (lines === undefined) return skip()
    expect(lines.filter(line => line.includes('wrong.json'))).toEqual([expect.stringContaining('Colour')])
  })
})

type Printable = Pick<Template, 'toJSON'>

/** Returns a line for each fault, with the name of its file. */
async function lint(program: string, given: Readonly<Record<string, Printable>>): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'fanmill-lint-'))
  const files = Object.entries(given).map(([name, template]) => ({
    file: join(folder, `${name.replaceAll(' ', '-')}.json`),
    text: JSON.stringify(template.toJSON(), null, 1),
  }))
  await Promise.all(files.map(({ file, text }) => writeFile(file, text)))
  const args = ['--format', 'parseable', '--ignore-checks', ...ignoredRules, '--', ...files.map(({ file }) => file)]
  const found = await new Promise<string>(resolve =>
    execFile(program, args, { maxBuffer: 1 << 26 }, (_, stdout, stderr) => resolve(stdout + stderr)),
  )
  await rm(folder, { recursive: true, force: true })
  return found.split('\n').filter(line => line !== '')
}

/** W3005: CDK adds the dependency of a function on its role, which the role's ARN implies. */
const ignoredRules = ['W3005']

describe('the validator of Amazon States Language', () => {
  it('accepts the definition of every template', () => {
    const found = Object.entries(templates).flatMap(([name, template]) =>
      errorsOf(template).map(({ Message }) => `${name}: ${Message}`),
    )
    expect(found).toEqual([])
  })

  it('refuses a state that leads nowhere', () => {
    const definition = definitionOf(templates.defaults!)
    const broken = { ...definition, States: { ...definition.States, lost: { Type: 'Pass', Next: 'nowhere' } } }
    expect(validateDefinition(broken)).toMatchObject({ isValid: false })
  })
})

/** Skips a definition that is an asset of its own: it differs from those in templates only in length. */
function errorsOf(template: Template): readonly { readonly Message: string }[] {
  const [machine] = Object.values(template.findResources('AWS::StepFunctions::StateMachine'))
  return machine!.Properties.DefinitionString === undefined ? [] : validateDefinition(definitionOf(template)).errors
}

function definitionOf(template: Template): Definition {
  const [machine] = Object.values(template.findResources('AWS::StepFunctions::StateMachine'))
  return JSON.parse(machine!.Properties.DefinitionString) as Definition
}
