import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Stack, Validations } from 'aws-cdk-lib'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { AwsSolutionsChecks } from 'cdk-nag'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FanmillPipeline } from '../../infra/index.ts'
import { publishInto } from '../publish-into.ts'
import { ownArchitecture, pipelineFile, templateApp } from './stacks.ts'

const root = join(import.meta.dirname, '../..')
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanmill-app-'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('this repository as a CDK app', () => {
  it('synthesises the flights example, clean under cdk-nag', () => {
    const out = join(folder, 'flights.out')
    const { stderr, status } = spawnSync(
      'npx',
      ['cdk', 'synth', '--quiet', '--output', out, '--context', `architecture=${ownArchitecture}`],
      { cwd: root, encoding: 'utf8' },
    )
    expect(status, stderr).toBe(0)
    expect(stderr).toContain('task flights is checked in part: its table airports declares no columns')
    expect(stderr).toMatch(/examples\/flights\/pipeline\.ts for \w+: \d+\.\d MB zipped/)
    expect(JSON.parse(readFileSync(join(out, 'validation-report.json'), 'utf8')).pluginReports).toEqual([])
    expect(readdirSync(out)).toContain('FanmillFlights.template.json')
  })
})

describe('cdk-nag, AwsSolutions', () => {
  it('finds nothing in a pipeline with keys and secrets', () => {
    const out = join(folder, 'nag.out')
    const app = templateApp({ outdir: out })
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
    const stack = new Stack(app, 'Test')
    const encryptionKey = new Key(stack, 'Key', { enableKeyRotation: true })
    new FanmillPipeline(stack, 'Visits', {
      entry: pipelineFile('visits.ts'),
      architecture: ownArchitecture,
      include: ['models/**'],
      encryptionKey,
      secrets: {
        'weather/api-key': Secret.fromSecretAttributes(stack, 'Secret', {
          secretPartialArn: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:weather',
          encryptionKey: new Key(stack, 'SecretKey', { enableKeyRotation: true }),
        }),
      },
    })
    app.synth()
    expect(JSON.parse(readFileSync(join(out, 'validation-report.json'), 'utf8')).pluginReports).toEqual([])
  })

  it('is at work: it finds a plain bucket', () => {
    const app = templateApp({ outdir: join(folder, 'plain.out') })
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
    new Bucket(new Stack(app, 'Test'), 'Plain')
    expect(() => app.synth()).toThrow(/AwsSolutions-S10/)
  })
})

describe('a CDK app of another project', () => {
  it('deploys a pipeline of its own, from the published package, with the caller’s bucket and workspace', () => {
    const theirs = join(folder, 'theirs')
    publishInto(theirs)
    write(join(theirs, 'package.json'), '{ "name": "theirs", "private": true, "type": "module" }')
    write(join(theirs, 'pipelines/sales.ts'), salesPipeline)
    write(
      join(theirs, 'packages/rates/package.json'),
      '{ "name": "rates", "version": "1.0.0", "type": "module", "exports": "./index.ts" }',
    )
    write(join(theirs, 'packages/rates/index.ts'), 'export const rate: number = 1.25\n')
    symlinkSync(join(theirs, 'packages/rates'), join(theirs, 'node_modules/rates'))
    write(join(theirs, 'app.ts'), theirApp)
    const output = execFileSync(process.execPath, ['app.ts'], { cwd: theirs, encoding: 'utf8' })
    const template = JSON.parse(readFileSync(join(theirs, 'cdk.out/Theirs.template.json'), 'utf8'))
    expect(output).toContain('done')
    const types = Object.values(template.Resources as Record<string, { Type: string }>).map(({ Type }) => Type)
    expect(types.filter(type => type === 'AWS::S3::Bucket')).toHaveLength(1)
    expect(types.filter(type => type === 'AWS::Lambda::Function')).toHaveLength(5)
    const asset = readdirSync(join(theirs, 'cdk.out')).find(name => name.startsWith('asset.'))!
    expect(readFileSync(join(theirs, 'cdk.out', asset, 'pipeline.mjs'), 'utf8')).toContain('1.25')
  })
})

const theirApp = `import { App, Stack } from 'aws-cdk-lib'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { FanmillPipeline } from 'fanmill/cdk'

const app = new App({ outdir: 'cdk.out' })
const stack = new Stack(app, 'Theirs')
const bucket = new Bucket(stack, 'Data')
new FanmillPipeline(stack, 'Sales', { entry: 'pipelines/sales.ts', input: bucket, output: bucket, outputPrefix: 'lake/', architecture: '${ownArchitecture}' })
app.synth()
console.log('done')
`

const salesPipeline = `import { column, csv, files, parquet, pipeline, task } from 'fanmill'
import { rate } from 'rates'

const sales = task({
  name: 'sales',
  source: files({ paths: 'sales/*.csv', format: csv() }),
  columns: { amount: column.float64() },
  output: parquet({ path: 'sales' }),
}).mapRows(row => ({ euros: (row.amount ?? 0) * rate }), { adds: { euros: column.float64() } })

export default pipeline({ name: 'sales', tasks: [sales], trigger: { upload: 'sales/*.csv' } })
`

function write(path: string, text: string): void {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, text)
}
