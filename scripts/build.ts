/** Makes `dist/`: the package as it is published, with a package.json of its own: declarations file by file, code in few files, which load sooner. */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build as bundle } from 'esbuild'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'dist') } } })

/** zstd in node:zlib, and a thread pool that can still be sized when the command line starts. The repository brings its own. */
const nodeNeeded = '>=22.15'

/** What is imported or started by its file's name; all else goes into what these share. */
const entries = [
  'lib/index',
  'lib/testing',
  'lib/worker',
  'lib/worker-extract',
  'lib/cli/main',
  'lib/bundle-lambda',
  'lib/bundle-schemas',
  'functions/plan',
  'functions/process',
  'functions/commit',
  'infra/index',
]

/** Stays a file of its own, because the bundle of a Lambda function has another in its place. */
const entryUrls = 'lib/io/entry-url'

await build(resolve(values.out))

async function build(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  declare(folder)
  await compile(folder)
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(publishedPackage(), null, 2)}\n`)
  for (const name of ['README.md', 'LICENSE', 'CHANGELOG.md']) {
    if (existsSync(join(root, name))) copyFileSync(join(root, name), join(folder, name))
  }
  chmodSync(join(folder, 'lib/cli/main.js'), 0o755)
}

function declare(folder: string): void {
  const compiler = join(dirname(fileURLToPath(import.meta.resolve('typescript/package.json'))), 'bin/tsc')
  const project = join(import.meta.dirname, 'tsconfig.build.json')
  const arguments_ = [compiler, '--project', project, '--outDir', folder]
  const { status } = spawnSync(process.execPath, arguments_, { stdio: 'inherit' })
  if (status !== 0) throw new Error(`tsc ended with ${status}`)
  nameCompiledFiles(folder)
}

/** tsc leaves `./x.ts` in declarations. */
function nameCompiledFiles(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.d.ts')) continue
    const text = readFileSync(join(folder, name), 'utf8')
    writeFileSync(join(folder, name), text.replace(/(\bfrom |\bimport\(|\bimport )'(\.[^']+)\.ts'/g, "$1'$2.js'"))
  }
}

async function compile(folder: string): Promise<void> {
  const shared = {
    absWorkingDir: root,
    outdir: folder,
    outbase: root,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
  } as const
  await bundle({
    ...shared,
    entryPoints: entries.map(name => `${name}.ts`),
    bundle: true,
    splitting: true,
    // As deep as the sources that look for files beside them.
    chunkNames: 'lib/shared/[hash]',
    packages: 'external',
    // The entry of the command line is imported for its effects.
    ignoreAnnotations: true,
    plugins: [
      {
        name: 'entry-url',
        setup: ({ onResolve }) => {
          onResolve({ filter: /\/entry-url\.ts$/ }, () => ({ path: '#entry-url', external: true }))
        },
      },
    ],
  })
  await bundle({ ...shared, entryPoints: [`${entryUrls}.ts`] })
}

/** The repository's package.json with entries that point at compiled files, and nothing that only developers need. */
function publishedPackage(): Record<string, unknown> {
  const {
    exports,
    scripts,
    devDependencies,
    allowScripts,
    private: isPrivate,
    ...kept
  } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return {
    ...kept,
    engines: { node: nodeNeeded },
    exports: compiledExports(exports),
    imports: { '#entry-url': `./${entryUrls}.js` },
    bin: { fanmill: 'lib/cli/main.js' },
  }
}

function compiledExports(exports: Readonly<Record<string, string>>): Record<string, unknown> {
  const entries = Object.entries(exports).map(([name, target]) => {
    if (!target.endsWith('.ts')) return [name, target]
    return [name, { types: target.replace(/\.ts$/, '.d.ts'), default: target.replace(/\.ts$/, '.js') }]
  })
  return Object.fromEntries(entries)
}
