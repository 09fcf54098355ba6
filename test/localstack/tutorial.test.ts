/**
 * Follows docs/tutorial.md from an empty folder to the deployed pipeline: what is typed and written is read from the page. The packages,
 * which are not in a registry, come from this repository; `aws s3 cp` is a program of this test; the stack has this machine's architecture.
 */
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { deployedPipeline, deployment } from './deployment.ts'
import { endpoint, environment } from './environment.ts'
import { endsOf } from './executions.ts'
import { ownArchitecture } from './their-app.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/tutorial.md'), 'utf8')
const blocksOf = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, text = '']) => text)
const [makeZip = '', create = '', preview = '', firstRun = '', secondRun = '', test = '', deploy = '', upload = ''] =
  blocksOf('sh')
const [created = ''] = blocksOf('ts file=tutorial/flights\\.ts')
const [withStep = ''] = blocksOf('ts')

let folder: string
let project: string
let path: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanmill-tutorial-'))
  project = join(folder, 'flights')
  const modules = join(mkdtempSync(join(tmpdir(), 'fanmill-tutorial-packages-')), 'node_modules')
  const programs = join(dirname(modules), 'bin')
  mkdirSync(join(modules, '.bin'), { recursive: true })
  mkdirSync(programs)
  for (const [script, name] of [
    ['build', 'fanmill'],
    ['build-create', 'create-fanmill'],
  ] as const)
    execFileSync(process.execPath, [join(root, `scripts/${script}.ts`), '--out', join(modules, name)], {
      stdio: 'pipe',
    })
  for (const name of readdirSync(join(root, 'node_modules')))
    if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name))
  for (const name of readdirSync(join(root, 'node_modules/.bin')))
    symlinkSync(join(root, 'node_modules/.bin', name), join(modules, '.bin', name))
  symlinkSync('../fanmill/lib/cli/main.js', join(modules, '.bin/fanmill'))
  path = [programs, dirname(process.execPath), process.env.PATH].join(delimiter)
  writeProgram(
    join(programs, 'npm'),
    `#!/bin/sh
case "$1" in
  create) shift 2; exec node ${join(modules, 'create-fanmill/create.js')} "$@" ;;
  install) ln -s ${modules} node_modules ;;
  *) PATH=${[dirname(process.execPath), process.env.PATH].join(delimiter)} exec npm "$@" ;;
esac
`,
  )
  writeProgram(join(programs, 'aws'), `#!/usr/bin/env node\n${copyToS3}`)
})

/** \`aws s3 cp FILE s3://BUCKET/KEY\` */
const copyToS3 = `const { PutObjectCommand, S3Client } = require(${JSON.stringify(join(root, 'node_modules/@aws-sdk/client-s3'))})
const [, , , , file, to] = process.argv
const { hostname, pathname } = new URL(to)
const Body = require('node:fs').readFileSync(file)
new S3Client({ forcePathStyle: true }).send(new PutObjectCommand({ Bucket: hostname, Key: pathname.slice(1), Body }))
`

function writeProgram(file: string, text: string): void {
  writeFileSync(file, text)
  chmodSync(file, 0o755)
}

const ownEnvironment = (): NodeJS.ProcessEnv => {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|INIT_CWD$|FANMILL_|VITEST|NODE_ENV$)/.test(name))
  return { ...Object.fromEntries(own), ...environment, PATH: path, CDK_REQUIRE_APPROVAL: 'never', NO_COLOR: '1' }
}

/** Runs what stands in a block; the exit code is that of the last command. */
async function type(commands: string, cwd = project): Promise<{ code: number; text: string }> {
  const options = { cwd, env: ownEnvironment(), maxBuffer: 1 << 26 }
  // Set again, because the beginning of a shell may put other folders first.
  const text = `export PATH=${JSON.stringify(path)}\n${commands}`
  const done = await promisify(execFile)('bash', ['-ec', text], options).catch(error => error)
  return { code: done.code ?? 0, text: `${done.stdout}${done.stderr}` }
}

const pipelineFile = (): string => join(project, 'pipelines/flights.ts')

describe.skipIf(!endpoint)('the tutorial', () => {
  it('creates a project from a zip', async () => {
    expect(await type(makeZip, folder)).toMatchObject({ code: 0 })
    expect(await type(create, folder)).toMatchObject({ code: 0, text: expect.stringContaining('pipelines/flights.ts') })
    const inferred = readFileSync(pipelineFile(), 'utf8').replace(/^.*\n/, '')
    expect(
      inferred.replace(
        /date: column\.string\(\), \/\/ 3 of 4 .*"2001-02-30 09:15:00" is not/,
        'date: column.timestamp(),',
      ),
    ).toBe(created)
    writeFileSync(pipelineFile(), created)
  })

  it('shows the first rows again when the pipeline is saved', async () => {
    const [program = '', ...words] = preview.trim().split(' ')
    const child = spawn(program, words, { cwd: project, env: ownEnvironment(), detached: true })
    let text = ''
    child.stdout.setEncoding('utf8')
    const shown = async (wanted: string): Promise<void> => {
      while (!text.includes(wanted)) text += (await once(child.stdout, 'data'))[0]
    }
    await shown('2001-01-05 12:30:00  JFK')
    writeFileSync(pipelineFile(), withStep)
    await shown('isLate: boolean')
    process.kill(-child.pid!, 'SIGINT')
    await once(child, 'exit')
  })

  it('runs it: a bad row is named, then allowed, and a third run has nothing to do', async () => {
    const failed = await type(firstRun)
    expect(failed.code).toBe(1)
    expect(failed.text).toMatch(/REJECTS_OVER_LIMIT[\s\S]*feb\.csv[\s\S]*3[\s\S]*date/)
    const text = readFileSync(pipelineFile(), 'utf8')
    writeFileSync(pipelineFile(), text.replace('  output:', '  rejects: { max: 1 },\n  output:'))
    const { code, text: shown } = await type(secondRun)
    expect(shown).toMatch(/flights {2}complete {5}3 {8}1/)
    expect(shown).toContain('2001-02-30 09:15:00')
    expect(shown).toMatch(/2001-01 +2 +39\.5\n2001-02 +1 +-3/)
    expect(code).toBe(0)
    expect(await type(firstRun)).toMatchObject({ code: 0, text: expect.stringContaining('complete already') })
  })

  it('tests it', async () => {
    expect(await type(test)).toMatchObject({ code: 0, text: expect.stringContaining('1 passed') })
  })

  it('deploys it: an upload makes the same run', async () => {
    // The suite bootstraps its environment first.
    await deployment()
    const app = readFileSync(join(project, 'app.ts'), 'utf8')
    const here = `architecture: '${ownArchitecture}', dashboard: false`
    writeFileSync(join(project, 'app.ts'), app.replace("flights.ts' }", `flights.ts', ${here} }`))
    expect(await type(deploy)).toMatchObject({ code: 0 })
    const flights = await deployedPipeline('Flights', 'Pipeline')
    const [copy = '', ...looks] = upload.trim().split('\n')
    expect(await type(copy.replace('INPUT_BUCKET', flights.input))).toMatchObject({ code: 0 })
    expect(await endsOf(flights, ['flights.zip'])).toMatchObject([{ status: 'SUCCEEDED' }])
    const { code, text } = await type(looks.join('\n'))
    expect(text).toMatch(/2001-01-05 12:30:00 +JFK +75 +2001-01 +true/)
    expect(code).toBe(0)
    const runId = /run ([0-9a-f]{16})/.exec(text)?.[1]
    expect((await type('npx fanmill runs --json')).text).toContain(`"runId":"${runId}"`)
  })
})
