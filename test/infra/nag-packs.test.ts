/** Lists the findings of cdk-nag's packs for regulated accounts in a pipeline with every prop, so that new ones are noticed. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type App, Stack, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R5Checks } from 'cdk-nag'
import { afterAll, expect, it } from 'vitest'
import { FanmillPipeline } from '../../infra/index.ts'
import { listen } from '../functions/listen.ts'
import { everyProp, ownArchitecture, pipelineFile, templateApp } from './stacks.ts'

const folder = mkdtempSync(join(tmpdir(), 'fanmill-nag-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const processes = ['Process1', 'Process2', 'Process3']
const functions = ['Plan', ...processes, 'Commit', 'Graph', 'Trigger/Uploads/Start']

/** Findings that both packs have. */
const baseline: Readonly<Record<string, readonly string[]>> = {
  // Access logs and replicas cost money and need buckets of their own: an app can give buckets that have them.
  S3BucketLoggingEnabled: ['Input', 'Output'],
  S3BucketReplicationEnabled: ['Input', 'Output'],
  // An inline policy is deleted with its role, and used only by it.
  IAMNoInlinePolicy: [
    ...functions.map(name => `${name}/Role/DefaultPolicy`),
    ...['StateMachine/Role/DefaultPolicy', 'StateMachine/Policy'],
  ],
  // Concurrency is reserved only for tiers that the app names, and tier 2 has none here. The others are called once or twice for each run.
  LambdaConcurrency: ['Plan', 'Process2', 'Commit', 'Graph', 'Trigger/Uploads/Start'].map(name => `${name}/Function`),
  // The state machine calls the functions and waits for their answers, so that no event can be lost.
  LambdaDLQ: functions.map(name => `${name}/Function`),
}

it('finds what is listed here with NIST 800-53 R5 and HIPAA, and nothing with AwsSolutions', () => {
  listen()
  const found = findingsOf(app => [
    new AwsSolutionsChecks(app),
    new NIST80053R5Checks(app),
    new HIPAASecurityChecks(app),
  ])
  const packed = (pack: string) =>
    Object.entries(baseline).map(([rule, places]) => [`${pack}-${rule}`, [...places].sort()])
  expect(found).toEqual(Object.fromEntries([...packed('NIST.800.53.R5'), ...packed('HIPAA.Security')]))
})

/** Returns the constructs of the pipeline by rule, without those of the app around it. */
function findingsOf(packs: (app: App) => Parameters<Validations['addPlugins']>): Record<string, string[]> {
  const app = templateApp({ outdir: folder })
  Validations.of(app).addPlugins(...packs(app))
  const stack = new Stack(app, 'Test')
  const entry = { entry: pipelineFile('visits.ts'), architecture: ownArchitecture, include: ['models/**'] } as const
  new FanmillPipeline(stack, 'Visits', { ...entry, ...everyProp(stack) })
  // The error has the whole report as text; the data is read below.
  expect(() => app.synth()).toThrow()
  const { pluginReports } = JSON.parse(readFileSync(join(folder, 'validation-report.json'), 'utf8')) as Report
  const findings = pluginReports.flatMap(({ violations }) =>
    violations.map(({ ruleName, violatingConstructs }) => {
      const paths = violatingConstructs.map(({ constructPath }) => constructPath)
      const own = paths
        .filter(path => path.startsWith(root))
        .map(path => path.slice(root.length).replace('/Resource', ''))
      return [ruleName, own.sort()] as const
    }),
  )
  return Object.fromEntries(findings.filter(([, own]) => own.length > 0))
}

const root = 'Test/Visits/'

interface Report {
  readonly pluginReports: readonly {
    readonly violations: readonly {
      readonly ruleName: string
      readonly violatingConstructs: readonly { readonly constructPath: string }[]
    }[]
  }[]
}
