/**
 * The house rules of ARCHITECTURE.md, as a test: which folder may import which, types included; which packages a folder may use;
 * and which modules are pure.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

/** Folders of `lib` that the files of each subject may import, their own aside; `lib` stands for the files right in it. */
const arrows: Record<string, string> = {
  errors: '',
  define: 'errors',
  model: 'define errors paths store',
  paths: 'define errors',
  store: 'errors',
  state: 'errors model store',
  kernel: '',
  inflate: 'errors kernel model store',
  zip: 'define errors inflate model paths store',
  tar: 'define errors inflate model store zip',
  archive: 'define errors inflate model store tar zip',
  text: 'avro define errors inflate kernel model store workbook xml',
  workbook: 'define errors xml zip',
  avro: 'define errors inflate',
  xml: 'define errors',
  parquet: 'errors model',
  delta: 'errors model parquet paths state store',
  stage: 'archive define errors inflate model parquet paths state store text zip',
  graph: 'define errors model paths state store',
  duckdb: 'define errors model',
  sql: 'define duckdb errors',
  engine: 'define delta duckdb errors inflate model parquet paths sql stage text',
  query: 'define duckdb engine errors model parquet paths sql',
  inputs: 'archive define delta engine errors exchange inflate model parquet paths state store text zip',
  runs: 'commit define errors inputs model state store',
  commit: 'define delta errors model paths state store',
  exchange: 'define errors model',
  process: 'commit define engine errors exchange inflate inputs model paths runs stage state store text zip',
  programs: 'define errors model process store',
  threads: 'archive bundle define duckdb engine errors model paths process programs query stage state store zip',
  bundle: 'define errors store',
  infer:
    'archive avro define duckdb engine errors inflate inputs model parquet paths query stage store text threads xml zip',
  init: 'define errors infer paths',
  aws: 'define errors inputs model paths store',
  datasets: 'commit define delta duckdb errors model parquet paths query stage state store threads',
  local:
    'aws bundle commit datasets define duckdb engine errors graph infer inputs model process programs query runs state store threads zip',
  deployed: 'lib aws define errors graph local model runs state store threads',
  testing: 'datasets define errors inputs local model state store text threads',
  cli: 'aws datasets define deployed errors graph infer init local model paths store threads',
  lambda:
    'aws bundle commit define errors graph infer inputs local model paths process programs runs state store threads',
  lib: 'aws bundle datasets define duckdb engine errors infer lambda local model paths sql store testing threads',
  functions: 'deployed errors lambda',
  infra: 'lib aws define errors store',
}

/** Packages and modules of Node that the files of a folder or a single file may use. The longest name that matches counts. */
const packages: Record<string, RegExp> = {
  'lib/define': /^valibot$/,
  'lib/aws': /^valibot$/,
  'lib/errors/record-schema.ts': /^valibot$/,
  'lib/errors/nearest.ts': /^fastest-levenshtein$/,
  'lib/paths/glob.ts': /^picomatch$/,
  'lib/zip': /^(node:|yauzl$)/,
  'lib/workbook': /^node:/,
  'lib/avro': /^(node:|hysnappy$)/,
  'lib/xml': /^node:/,
  'lib/xml/xml-events.ts': /^saxen$/,
  'lib/inflate/bzip2.ts': /^seek-bzip$/,
  'lib/inflate/xz.ts': /^xz-decompress$/,
  'lib/bundle': /^(node:|acorn$|esbuild$|fastest-levenshtein$)/,
  'lib/datasets': /^node:/,
  'lib/datasets/arrow-stream.ts': /^apache-arrow$/,
  'lib/local': /^(node:|fastest-levenshtein$|pino$)/,
  'lib/duckdb': /^(node:|@duckdb\/)/,
  'lib/engine': /^(node:|@duckdb\/)/,
  'lib/query': /^(node:|@duckdb\/)/,
  'lib/sql': /^(node:|@duckdb\/)/,
  'lib/infer': /^(node:|@duckdb\/node-api$)/,
  'lib/programs': /^node:/,
  'lib/init': /^node:/,
  'lib/threads/pool/pool.ts': /^(node:|piscina$)/,
  'lib/threads/pool/task-workers.ts': /^(node:|p-limit$)/,
  'lib/cli': /^(node:|commander$|cli-progress$)/,
  'lib/delta': /^(node:crypto|valibot)$/,
  'lib/model': /^(node:|valibot$)/,
  'lib/graph': /^valibot$/,
  'lib/runs': /^(node:|valibot$)/,
  'lib/state': /^(node:|valibot$)/,
  'lib/lambda': /^(node:|valibot$|@aws-lambda-powertools\/)/,
  'lib/lambda/asset': /^(node:|esbuild$)/,
  // Each SDK client is loaded by one file, only where it is used.
  'lib/lambda/secrets-client.ts': /^@aws-sdk\/client-secrets-manager$/,
  'lib/deployed/aws-control.ts': /^@aws-sdk\//,
  'lib/deployed/start-execution.ts': /^@aws-sdk\/client-sfn$/,
  'lib/store/s3/client.ts': /^@aws-sdk\/client-s3$/,
  'lib/store/s3/parts.ts': /^(node:|p-limit$)/,
  lib: /^node:/,
  functions: /^node:/,
  infra: /^(node:|aws-cdk-lib|constructs$|cdk-nag$)/,
}

/** Modules without files, network, threads, clock or randomness: what they do follows from their arguments. Folders, then what they hold that is not pure. */
const pure = {
  folders: [
    'archive',
    'avro',
    'aws',
    'commit',
    'define',
    'delta',
    'errors',
    'exchange',
    'graph',
    'inputs',
    'kernel',
    'model',
    'paths',
    'process',
    'runs',
    'state',
    'tar',
    'text',
    'workbook',
    'xml',
    'zip',
  ],
  files: [
    'bundle/code-graph',
    'bundle/code-hash',
    'engine/write/writer-limits',
    'inflate/bzip2',
    'inflate/chunk-bytes',
    'inflate/compression',
    'inflate/file',
    'inflate/inflate-kernel',
    'inflate/stream',
    'inflate/whole-gzip',
    'inflate/xz',
    'parquet/bounds',
    'parquet/choose-chunks',
    'parquet/columns',
    'parquet/footer',
    'parquet/footer-tail',
    'parquet/project-footer',
    'parquet/row-group-bounds',
    'parquet/rewrite-footer',
    'parquet/thrift-compact',
    'store/store',
    'store/store-url',
    'store/byte-range',
    'store/outage',
    'store/network-fault',
    'store/settle-all',
    'store/state-root',
    'store/reused-buffer',
    'store/upload-pieces',
    'store/with-methods',
  ],
  except: [
    'inputs/identity/content-identity',
    'inputs/tables',
    'process/share/stream-pieces',
    'archive/extract-members',
  ],
}
const purePackages =
  /^(node:(zlib|crypto|buffer|path\/posix)|yauzl|picomatch|acorn|fastest-levenshtein|hysnappy|saxen|seek-bzip|valibot|xz-decompress)$/
const impureCalls =
  /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|(?<!\/)\bprocess\.|\bsetTimeout\(|\bperformance\.|\brandom(?:UUID|Bytes)\b/

const files = ['lib', 'functions', 'infra'].flatMap(sources)

describe('folders', () => {
  it.each(files)('keeps the imports of %s to the subjects that its own may know', file => {
    const own = subjectOf(file)
    expect(arrows, 'a line in the table of arrows').toHaveProperty(own)
    const foreign = imports(file).filter(isOurs).map(subjectOf)
    expect([...new Set(foreign)].filter(subject => subject !== own && !targetsOf(own).includes(subject))).toEqual([])
  })

  it('lists no arrow that no import needs', () => {
    const needed = new Set(
      files.flatMap(file =>
        imports(file)
          .filter(isOurs)
          .map(target => `${subjectOf(file)} > ${subjectOf(target)}`),
      ),
    )
    const listed = Object.entries(arrows).flatMap(([from, to]) =>
      to
        .split(' ')
        .filter(Boolean)
        .map(one => `${from} > ${one}`),
    )
    expect(listed.filter(arrow => !needed.has(arrow))).toEqual([])
  })

  it.each(files)('keeps the packages of %s to those of its folder', file => {
    const place = Object.keys(packages)
      .filter(name => file.startsWith(name))
      .sort((a, b) => b.length - a.length)[0]
    expect(place, 'a line in the table of packages').toBeDefined()
    expect(valueImports(file).filter(target => !isOurs(target) && !packages[place!]!.test(target))).toEqual([])
  })

  it('has no cycles of imports, types included', () => {
    expect(cycles(imports)).toEqual([])
  })

  it('has no two subjects that need each other, also by way of others', () => {
    const below = (subject: string, seen: ReadonlySet<string> = new Set()): ReadonlySet<string> =>
      new Set(targetsOf(subject).flatMap(one => (seen.has(one) ? [] : [one, ...below(one, new Set([...seen, one]))])))
    expect(Object.keys(arrows).filter(subject => below(subject).has(subject))).toEqual([])
  })
})

describe('pure modules', () => {
  it.each(files.filter(isPure))('%s does no I/O and knows no clock', file => {
    const targets = valueImports(file)
    expect(targets.filter(target => (isOurs(target) ? !isPure(target) : !purePackages.test(target)))).toEqual([])
    expect(
      readFileSync(file, 'utf8')
        .replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
        .match(impureCalls),
    ).toBeNull()
  })
})

describe('files', () => {
  it.each(files)('keeps %s below 300 lines', file => {
    expect(lineCount(file)).toBeLessThanOrEqual(300)
  })

  it.each(['test', 'scripts', 'bench', 'examples'].flatMap(sources))('keeps %s below 400 lines', file => {
    expect(lineCount(file)).toBeLessThanOrEqual(400)
  })

  it('keeps 3 to 24 files in a folder of lib', () => {
    const counts = Map.groupBy(sources('lib'), dirname)
    expect([...counts].filter(([, { length }]) => length < 3 || length > 24).map(([folder]) => folder)).toEqual([])
  })

  it('keeps less than 12 % of the lines of lib in each of its folders', () => {
    const lines = (list: readonly string[]): number => list.reduce((sum, file) => sum + lineCount(file), 0)
    const share = (list: readonly string[]): number => lines(list) / lines(sources('lib'))
    const large = [...Map.groupBy(sources('lib'), subjectOf)].filter(([, list]) => share(list) >= 0.12)
    expect(large.map(([folder]) => folder)).toEqual([])
  })

  it('names files after what they hold', () => {
    const vague = /^(utils?|helpers?|common|managers?|base)\b|[-.](utils?|helpers?|common|manager|base)\.ts$/
    expect(files.filter(file => vague.test(basename(file)))).toEqual([])
  })

  it('names no path of one machine in tracked files', () => {
    const path = /(?<![\w.}*/-])\/(?:work|home|root|Users)\/[\w.-]+/
    const tracked = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).split('\n').filter(Boolean)
    const texts = tracked.filter(file => /\.(ts|js|json|md|ya?ml|py|sh)$|^\.ci\/|^\.npmrc$/.test(file))
    expect(texts.filter(file => path.test(textOf(file)))).toEqual([])
  })

  it('begins comments with a verb or a noun', () => {
    const tracked = execFileSync('git', ['ls-files', '*.ts'], { encoding: 'utf8' }).split('\n').filter(Boolean)
    const begun = tracked.flatMap(
      file => textOf(file).match(/^ *(?:\/\*\*|\/\/) (?:Of|By|What|Who|Whose|Where) .*/gm) ?? [],
    )
    expect(begun).toEqual([])
  })
})

describe('assertions', () => {
  it('fail where an object has a text in place of an expected pattern, which would match anything', () => {
    const error = { message: 'lost', list: [{ message: 'lost' }] }
    expect(error).not.toMatchObject({ message: /found/ })
    expect(error).not.toMatchObject({ message: /lost/ })
    expect(error).not.toMatchObject({ list: [{ message: /lost/ }] })
    expect(error).toMatchObject({ message: expect.stringMatching(/lost/) })
    expect({ pattern: /lost/ }).toMatchObject({ pattern: /lost/ })
  })
})

const lineCount = (file: string): number => readFileSync(file, 'utf8').split('\n').length - 1

function sources(folder: string): string[] {
  return listed(folder)
    .filter(name => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map(name => normalize(join(folder, name)))
}

/** Folders that a later part fills may be absent. */
function listed(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
  } catch {
    return []
  }
}

/** A tracked file may be deleted in the working tree. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** The folder of a file: one of `lib`, `lib` itself, `functions` or `infra`. */
function subjectOf(file: string): string {
  const [top, folder, name] = file.split('/')
  return top === 'lib' && name ? folder! : top!
}

const isOurs = (target: string): boolean => /^(?:lib|functions|infra)\//.test(target)

function isPure(file: string): boolean {
  const name = file.replace(/^lib\//, '').replace(/\.ts$/, '')
  return pure.files.includes(name) || (pure.folders.includes(subjectOf(file)) && !pure.except.includes(name))
}

/** Imports of a file, types included, relative ones resolved from the repository root. */
function imports(file: string): string[] {
  const source = readFileSync(file, 'utf8')
  const found = source.matchAll(
    /^(?:import|export)\s+(?:[\w$*{},\s]+?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(['"]([^'"]+)['"]\)/gm,
  )
  return [...found].map(match => resolved(file, (match[1] ?? match[2])!))
}

/** Value imports of a file, also by `import()`. */
function valueImports(file: string): string[] {
  const source = readFileSync(file, 'utf8')
  const fixed = source.matchAll(/^(?:import|export)\s+(?!type\b)(?:[\w$*{},\s]+?\sfrom\s+)?['"]([^'"]+)['"]/gm)
  const lazy = source.matchAll(/(?<!typeof )\bimport\(['"]([^'"]+)['"]\)/g)
  return [...fixed, ...lazy].map(match => resolved(file, match[1]!))
}

const resolved = (file: string, target: string): string =>
  target.startsWith('.') ? normalize(join(dirname(file), target)) : target

/** Subjects that files of a subject may import. */
const targetsOf = (subject: string): string[] => (arrows[subject] ?? '').split(' ').filter(Boolean)

function cycles(importsOf: (file: string) => string[]): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) found.push([...path.slice(path.indexOf(file)), file].join(' -> '))
    if (done.has(file) || path.includes(file) || !files.includes(file)) return
    for (const target of importsOf(file)) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  return found
}
