/** Creates a project around files or archives: `fanmill init`. */
import { existsSync, statSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path'
import { PermanentError } from '../errors/errors.ts'
import { literal } from '../infer/columns-source.ts'
import { type DataFiles, dataFiles, globOfEndings } from '../infer/data-files.ts'
import { type InferredSource, inferSample, isArchive, textsOfFiles } from '../infer/infer.ts'
import type { SampleText } from '../infer/sample/sample.ts'
import type { InferProgress } from '../infer/text.ts'
import { globMatcher, literalPrefix } from '../paths/glob.ts'
import { type ProjectPlan, projectFiles } from './project-files.ts'
import { projectNames } from './project-names.ts'
import { projectSample } from './project-sample.ts'

export interface InitOptions {
  /** A file or an archive, a glob that matches several, or a folder with them; default an example is written into the project. */
  readonly data?: string | undefined
  /** Default a folder with the name of the data. */
  readonly directory?: string | undefined
  /** Version of Fanmill that the project installs. */
  readonly version: string
  readonly onProgress?: (progress: InferProgress) => void
}

export interface InitResult {
  readonly directory: string
  /** Name of the task. */
  readonly task: string
  /** Paths of the files, from the folder of the project. */
  readonly files: readonly string[]
  readonly inferred: InferredSource
}

/** @throws USAGE where a file of the project is there already, or would be data; as `inferColumns` */
export async function initProject({ data, directory, version, onProgress }: InitOptions): Promise<InitResult> {
  const given = data === undefined ? undefined : await dataFiles(data)
  const names = projectNames(given ? nameOf(given) : exampleName)
  const folder = resolve(directory ?? folderFor(names.name, given))
  const example: Readonly<Record<string, string>> = given ? {} : { [`data/${exampleName}`]: exampleText }
  await writeNew(folder, example)
  const found = given ?? (await dataFiles(join(folder, 'data', exampleName)))
  const sampled = await textsOfFiles(found)
  const inferred = await inferSample(sampled, { onProgress })
  const { sample, files: sampleFiles } = await sampleOf(found, { ...inferred, ...sampled }, folder)
  const files = projectFiles({
    ...{ ...names, version, path: pathOf(found), ...partsOf(inferred.source), sample },
    input: relativePath(folder, resolve(found.folder)),
    members: isArchive(found.keys[0] ?? '') ? `**/${globOfEndings(sampled.texts.map(({ name }) => name))}` : undefined,
    isNested: inferred.isNested,
    hasRejects: inferred.rejects.length > 0,
  })
  const all = { ...files, ...sampleFiles }
  checkNoData(Object.keys(all), folder, found)
  await writeNew(folder, all)
  return {
    directory: relativePath(process.cwd(), folder),
    task: names.name,
    files: [...Object.keys(example), ...Object.keys(all)],
    inferred,
  }
}

/** Returns the name of a file, the text with which the names of several begin, or else that of their folder. */
function nameOf({ folder, keys, glob }: DataFiles): string {
  const name = glob === undefined ? (keys[0] ?? '') : basename(literalPrefix(glob))
  return /[A-Za-z0-9]/.test(name) || glob === undefined ? name : basename(resolve(folder))
}

/** Returns the folder for a project of this name, which is never that of its data. */
const folderFor = (name: string, given: DataFiles | undefined): string =>
  given && resolve(given.folder) === resolve(name) ? `${name}-pipeline` : name

const exampleName = 'visits.csv'
const exampleText = `city,day,visitors,spent
Bern,2024-01-05,3,18.50
Oslo,2024-01-05,5,40.25
Paris,2024-01-06,8,
Rome,2024-01-06,2,9.90
`

/** Splits what `infer` prints into the format and the other options of the task. */
function partsOf(source: string): { readonly format: string; readonly columns: string } {
  const lines = source.split('\n')
  const format = lines.find(line => line.startsWith('format: '))
  return {
    format: format?.slice('format: '.length, -1) ?? 'csv()',
    columns: lines.filter(line => line !== format).join('\n'),
  }
}

/** Returns the path of the data as a template: a single name with characters of globs is matched by its ending. */
function pathOf({ keys: [name = ''], glob }: DataFiles): string {
  return glob ?? (/[*?{}[\]()!+@\\]/.test(name) ? `*${extname(name)}` : name)
}

interface SampledData extends InferredSource {
  readonly texts: readonly SampleText[]
}

async function sampleOf(
  found: DataFiles,
  { sampled, format, isNested, texts }: SampledData,
  folder: string,
): Promise<Pick<ProjectPlan, 'sample'> & { readonly files: Readonly<Record<string, Uint8Array>> }> {
  const file = found.keys[0] ?? ''
  const text = texts.find(({ name }) => name === sampled[0]) ?? texts[0]
  const member = isArchive(file) ? text?.name : undefined
  const key = found.glob === undefined ? pathOf(found) : file
  // The test builds zips; of another archive, or one with archives in it, it reads the data itself.
  const isBuilt = member === undefined || (/\.zip$/i.test(file) && !isNested)
  const sample = text && isBuilt ? await projectSample(text, format) : undefined
  const read = (path: string): string => `readFileSync(new URL(${literal(path)}, import.meta.url))`
  if (sample)
    return { sample: { key, expression: read(sample.name), member }, files: { [`test/${sample.name}`]: sample.bytes } }
  const expression = read(relativePath(join(folder, 'test'), resolve(found.folder, file)))
  // Without members, the test reads the archive itself.
  return { sample: { key, expression, member: undefined }, files: {} }
}

const relativePath = (from: string, to: string): string => relative(from, to).split(sep).join('/') || '.'

/** Checks that the task will not read files of its own project, or its output. @throws USAGE where it would */
function checkNoData(names: readonly string[], folder: string, found: DataFiles): void {
  const isData = globMatcher(pathOf(found))
  const fromData = (name: string): string => relativePath(resolve(found.folder), join(folder, name))
  const read = [...names, 'out/part.parquet'].find(name => !fromData(name).startsWith('../') && isData(fromData(name)))
  if (read === undefined) return
  const message = `expected a folder for the project whose files are no data, got ${folder}, where ${pathOf(found)} matches ${read} too; choose another folder: fanmill init DATA DIRECTORY`
  throw new PermanentError('USAGE', message, { folder, file: read })
}

/** Writes files into a folder. @throws USAGE where one is there already, before any is written */
async function writeNew(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  if (existsSync(folder) && !statSync(folder).isDirectory())
    throw new PermanentError(
      'USAGE',
      `expected a folder for the project, got the file ${folder}; for several files of data, give their folder, or a glob in quotes`,
      { folder },
    )
  const there = Object.keys(files).find(name => existsSync(join(folder, name)))
  if (there !== undefined) {
    const message = `expected a folder without ${there}, got ${folder}, which has one; choose another folder: fanmill init DATA DIRECTORY`
    throw new PermanentError('USAGE', message, { folder, file: there })
  }
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(folder, dirname(name)), { recursive: true })
    await writeFile(join(folder, name), content, { flag: 'wx' })
  }
}
