/** Checks the documentation: its TypeScript compiles, the README's pipeline and test run, and its links lead somewhere. */
import { execFile } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { CommanderError } from 'commander'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createProgram } from '../lib/cli/program.ts'
import type { TaskDefinition } from '../lib/define/index.ts'
import { nodeNeeded } from '../lib/node-version.ts'
import { runTask } from '../lib/testing.ts'
import { commandReference } from '../scripts/command-reference.ts'
import { snippetsIn } from './snippets.ts'

const root = join(import.meta.dirname, '..')
const pages: readonly [string, ...string[]] = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'))
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`),
]
const texts = new Map(pages.map(page => [page, readFileSync(join(root, page), 'utf8')]))
const snippetsOf = (page: string): string[] => snippetsIn(texts.get(page) ?? '')

/** Returns the files that a page shows whole, each as a snippet with its name: three backticks and `ts file=score.ts`. */
const filesOf = (page: string): [string, string][] =>
  [...(texts.get(page) ?? '').matchAll(/^```ts file=(\S+)\n([\s\S]*?)^```$/gm)].map(([, name = '', text = '']) => [
    join(dirname(page), name),
    text,
  ])

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanmill-docs-'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const compilerOptions = {
    noEmit: true,
    paths: {
      fanmill: [join(root, 'lib/index.ts')],
      'fanmill/testing': [join(root, 'lib/testing.ts')],
      'fanmill/cdk': [join(root, 'infra/index.ts')],
    },
  }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: ['.'] }),
  )
  // The README shows files of their own; the snippets of another page are one file, read from top to bottom.
  const [readme, ...others] = pages
  const files = snippetsOf(readme).map((text, index) => [index === 0 ? 'flights.ts' : `${index}.ts`, text] as const)
  // Other pages use the README's pipeline.
  files.push(['docs/flights.ts', snippetsOf(readme)[0] ?? ''])
  files.push(...others.map(page => [`${page}.ts`, snippetsOf(page).join('\n')] as const))
  files.push(...pages.flatMap(filesOf))
  for (const [name, text] of files) {
    const file = join(folder, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, `${text}\nexport {}\n`)
  }
})

afterAll(() => rmSync(folder, { recursive: true }))

it('names the Node that the package needs', () => {
  const [needed] = nodeNeeded.split(/\.0$/)
  for (const page of ['README.md', 'ARCHITECTURE.md']) expect(texts.get(page)).toContain(`Node ${needed} or newer`)
})

it('compiles every TypeScript snippet of the documentation', async () => {
  const compiler = join(fileURLToPath(import.meta.resolve('typescript/package.json')), '../bin/tsc')
  const compiling = promisify(execFile)(process.execPath, [compiler, '--project', folder])
  const found = await compiling.then(
    () => '',
    (error: { stdout: string }) => error.stdout,
  )
  expect(found).toBe('')
})

it("runs the README's pipeline as the README's unit test does", async () => {
  const [definition = ''] = snippetsOf('README.md')
  const file = join(folder, 'run.ts')
  writeFileSync(file, definition.replace("'fanmill'", JSON.stringify(join(root, 'lib/index.ts'))))
  const { flights } = (await import(file)) as { flights: TaskDefinition }
  const { rows, rejects } = await runTask(flights, {
    files: {
      'incoming/a.zip': { 'jan.csv': 'date,delay,origin\n2001-01-05 10:00:00,4,ABE\n' },
      'reference/airports.csv': 'iata,state\nABE,PA\n',
    },
  })
  expect(rows).toMatchObject([{ origin: 'ABE', state: 'PA', season: 'winter' }])
  expect(rejects).toEqual([])
  expect(snippetsOf('README.md').join('\n')).toContain("'jan.csv': 'date,delay,origin\\n2001-01-05 10:00:00,4,ABE\\n'")
})

it('explains every error code, and no other, in the reference of errors', () => {
  const source = readFileSync(join(root, 'lib/errors/errors.ts'), 'utf8')
  const union = /export type ErrorCode =([\s\S]*?)\n\n/.exec(source)?.[1] ?? ''
  const codes = [...union.matchAll(/^ {2}\| '([A-Z_]+)'/gm)].map(match => match[1])
  const rows = [...(texts.get('docs/errors.md') ?? '').matchAll(/^\| `([A-Z_]+)` \| .+ \| .+ \|$/gm)]
  expect(codes.length).toBeGreaterThan(50)
  expect(rows.map(match => match[1]).toSorted()).toEqual(codes.toSorted())
})

it('has every command and option in the reference of the command line, with what it means', () => {
  const reference = commandReference()
  for (const command of createProgram().commands) {
    if (command.name() === 'help') continue
    const [, section = ''] = reference.split(`## fanmill ${command.name()}\n`)
    for (const { flags, description } of command.options) {
      expect(section).toContain(`\n| \`${flags.replaceAll('|', '\\|')}\` | `)
      expect(description.length, flags).toBeGreaterThan(3)
    }
  }
})

it('shows only commands that the command line takes', () => {
  const commands = pages.flatMap(page => commandsOf(texts.get(page) ?? '').map(command => ({ page, ...command })))
  expect(commands.length).toBeGreaterThan(50)
  // Running text may name a command, or an option of it, without what belongs to it.
  const shortened = ['commander.missingArgument', 'commander.optionMissingArgument', 'commander.help']
  const refused = commands.flatMap(({ page, words, isInline }) => {
    const program = createProgram()
    for (const command of program.commands) command.exitOverride().action(() => undefined)
    try {
      program.parse(words, { from: 'user' })
      return []
    } catch (error) {
      if (isInline && shortened.includes((error as CommanderError).code)) return []
      return [`${page}: fanmill ${words.join(' ')}: ${(error as Error).message}`]
    }
  })
  expect(refused).toEqual([])
})

interface ShownCommand {
  /** The words behind `fanmill`. */
  readonly words: string[]
  /** Whether it stands in running text, and not in a block of shell commands. */
  readonly isInline: boolean
}

function commandsOf(text: string): ShownCommand[] {
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) => block.split('\n'))
  const inline = [...text.matchAll(/(?<!`)`([^`\n]+)`(?!`)/g)].map(([, code = '']) => code)
  return [...blocks, ...inline].flatMap((line, index) => {
    const [, rest] = /^(?:npx )?fanmill ([a-z].*)$/.exec(line) ?? []
    if (rest === undefined || rest.startsWith('help ')) return []
    const words = rest.replace(/ +#.*$/, '').match(/'[^']*'|"[^"]*"|[^\s]+/g) ?? []
    const plain = words.filter(word => word !== '…').map(word => word.replace(/^(['"])(.*)\1$/, '$2'))
    return [{ words: plain, isInline: index >= blocks.length }]
  })
}

it('links every page in the sidebar of the site', () => {
  const config = readFileSync(join(root, 'docs/site/.vitepress/config.ts'), 'utf8')
  const names = pages.flatMap(page => /^docs\/([\w-]+)\.md$/.exec(page)?.[1] ?? []).filter(name => name !== 'index')
  expect(names.filter(name => !new RegExp(`(?<![\\w-])'?${name}'?: '`).test(config))).toEqual([])
})

it.each(['ARCHITECTURE.md', 'CONTRIBUTING.md'])('names in %s only source files that exist', page => {
  const sources = ['lib', 'functions', 'infra', 'scripts', 'test', 'docs'].flatMap(place =>
    readdirSync(join(root, place), { recursive: true, encoding: 'utf8' }).map(name => `/${place}/${name}`),
  )
  const named = [...(texts.get(page) ?? '').matchAll(/`([\w/.-]+\.(?:ts|wat))`/g)].map(([, name = '']) => name)
  expect(named.filter(name => !sources.some(source => source.endsWith(`/${name}`)))).toEqual([])
})

it.each(pages)('links from %s to files and headings that exist', page => {
  const text = texts.get(page) ?? ''
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(match => match[1] ?? '')
  const broken = links.filter(link => !/^https?:/.test(link)).filter(link => !exists(page, link))
  expect(broken).toEqual([])
})

function exists(page: string, link: string): boolean {
  const [path = '', heading] = link.split('#')
  const file = path === '' ? join(root, page) : join(root, dirname(page), path)
  if (!existsSync(file)) return false
  return heading === undefined || headingsOf(readFileSync(file, 'utf8')).includes(heading)
}

/** Returns the anchors of a page's headings, as GitHub makes them. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(match =>
    (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
}
