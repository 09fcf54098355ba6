/** Creates a project around a file or an archive: `fanmill init`. */
import { existsSync, statSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path'
import { PermanentError } from '../errors/errors.ts'
import { literal } from '../infer/columns-source.ts'
import { dataTexts, type InferredSource, inferColumns, isArchive } from '../infer/infer.ts'
import type { SampleText } from '../infer/sample/sample.ts'
import type { InferProgress } from '../infer/text.ts'
import { projectFiles } from './project-files.ts'
import { projectNames } from './project-names.ts'
import { projectSample } from './project-sample.ts'

export interface InitOptions {
  /** A file or an archive; default an example is written into the project. */
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

/** @throws USAGE where a file of the project is there already; as `inferColumns` */
export async function initProject({ data, directory, version, onProgress }: InitOptions): Promise<InitResult> {
  const names = projectNames(basename(data ?? exampleName))
  const folder = resolve(directory ?? names.name)
  const example = join(folder, 'data', exampleName)
  if (data === undefined) await writeNew(folder, { [`data/${exampleName}`]: exampleText })
  const file = resolve(data ?? example)
  const inferred = await inferColumns(file, { onProgress })
  const { texts } = await dataTexts(file)
  const { sample, files: sampleFiles } = await sampleOf(file, { ...inferred, texts }, folder)
  const { format, columns } = partsOf(inferred.source)
  const files = projectFiles({
    ...{ ...names, version, format, columns, sample },
    input: relativePath(folder, dirname(file)),
    path: pathOf(file),
    members: isArchive(file) ? membersOf(inferred.sampled[0] ?? '', texts) : undefined,
    isNested: inferred.isNested,
    hasRejects: inferred.rejects.length > 0,
  })
  await writeNew(folder, { ...files, ...sampleFiles })
  const own = [
    ...(data === undefined ? [`data/${exampleName}`] : []),
    ...Object.keys(files),
    ...Object.keys(sampleFiles),
  ]
  return { directory: relativePath(process.cwd(), folder), task: names.name, files: own, inferred }
}

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

/** Returns the path of the data as a template: a name with characters of globs is matched by its ending. */
function pathOf(file: string): string {
  const name = basename(file)
  return /[*?{}[\]()!+@\\]/.test(name) ? `*${extname(name)}` : name
}

/** Returns the glob of the members that end like the first, in any case that they are written in. */
function membersOf(first: string, texts: readonly SampleText[]): string {
  const ending = extname(first)
  const all = new Set([ending, ...texts.map(({ name }) => extname(name))])
  const same = [...all].filter(each => each.toLowerCase() === ending.toLowerCase())
  return same.length === 1 ? `**/*${ending}` : `**/*{${same.join(',')}}`
}

interface SampledData extends InferredSource {
  readonly texts: readonly SampleText[]
}

async function sampleOf(file: string, { sampled, format, isNested, texts }: SampledData, folder: string) {
  const text = texts.find(({ name }) => name === sampled[0]) ?? texts[0]
  const member = isArchive(file) ? text?.name : undefined
  // The test builds zips; of another archive, or one with archives in it, it reads the data itself.
  const isBuilt = member === undefined || (/\.zip$/i.test(file) && !isNested)
  const sample = text && isBuilt ? await projectSample(text, format) : undefined
  const read = (path: string): string => `readFileSync(new URL(${literal(path)}, import.meta.url))`
  if (sample)
    return { sample: { expression: read(sample.name), member }, files: { [`test/${sample.name}`]: sample.bytes } }
  const expression = read(relativePath(join(folder, 'test'), file))
  // Without members, the test reads the archive itself.
  return { sample: { expression, member: undefined }, files: {} }
}

const relativePath = (from: string, to: string): string => relative(from, to).split(sep).join('/') || '.'

/** Writes files into a folder. @throws USAGE where one is there already, before any is written */
async function writeNew(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  if (existsSync(folder) && !statSync(folder).isDirectory())
    throw new PermanentError('USAGE', `expected a folder for the project, got the file ${folder}`, { folder })
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
