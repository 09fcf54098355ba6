/** Writes the texts of a new project: one that runs, tests, type-checks and deploys. */
import { literal } from '../infer/columns-source.ts'
import type { ProjectNames } from './project-names.ts'

/** Versions of the packages that a new project installs beside Fanmill: those with which it is tested. */
export const projectVersions = {
  '@types/node': '24.19.2',
  'aws-cdk': '2.1148.1',
  'aws-cdk-lib': '2.276.0',
  constructs: '10.8.1',
  typescript: '7.0.2',
  vitest: '5.1.1',
} as const

/** Runs TypeScript files as they are. */
const nodeForTypeScript = '22.18.0'

export interface ProjectPlan extends ProjectNames {
  /** Version of Fanmill. */
  readonly version: string
  /** The folder of the data, from the folder of the project. */
  readonly input: string
  /** Path of the data below it. */
  readonly path: string
  /** Glob over the members of an archive; absent for other files. */
  readonly members?: string | undefined
  /** Whether they are in archives within the archive. */
  readonly isNested: boolean
  /** As TypeScript: `csv({ delimiter: ';' })`. */
  readonly format: string
  /** The options of the task that were inferred, as TypeScript. */
  readonly columns: string
  /** Whether some records of the sample are rejects. */
  readonly hasRejects: boolean
  /** The file of the test: its path below the data, the expression of its content, and the member that this is. */
  readonly sample: { readonly key: string; readonly expression: string; readonly member?: string | undefined }
}

/** Returns the texts of the files by their paths. */
export function projectFiles(plan: ProjectPlan): Readonly<Record<string, string>> {
  return {
    'package.json': json(packageJson(plan)),
    'tsconfig.json': json(tsconfig),
    'cdk.json': json({ app: 'node app.ts', output: 'cdk.out', versionReporting: false }),
    'fanmill.config.json': json({ input: plan.input, output: 'out' }),
    [`pipelines/${plan.name}.ts`]: pipelineText(plan),
    [`test/${plan.name}.test.ts`]: testText(plan),
    'app.ts': appText(plan),
    'README.md': readmeText(plan),
    '.gitignore': 'node_modules/\nout/\ncdk.out/\n',
  }
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

const importLine = (names: string, from: string): string => `import { ${names} } from '${from}'`

function packageJson({ name, version }: ProjectPlan): object {
  const { 'aws-cdk-lib': cdk, constructs, ...development } = projectVersions
  return {
    name,
    private: true,
    type: 'module',
    engines: { node: `>=${nodeForTypeScript}` },
    scripts: {
      start: `fanmill run pipelines/${name}.ts`,
      preview: `fanmill preview pipelines/${name}.ts ${name}`,
      test: 'tsc --noEmit && vitest run',
      deploy: 'cdk deploy',
    },
    dependencies: { 'aws-cdk-lib': cdk, constructs, fanmill: version },
    devDependencies: development,
  }
}

const tsconfig = {
  compilerOptions: {
    target: 'es2024',
    module: 'nodenext',
    types: ['node'],
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    skipLibCheck: true,
  },
  include: ['app.ts', 'pipelines', 'test'],
}

function pipelineText({ name, variable, path, members, isNested, format, columns, hasRejects }: ProjectPlan): string {
  const source = members === undefined ? 'files' : 'zipMembers'
  const formatName = /^\w+/.exec(format)?.[0] ?? 'csv'
  const names = [...new Set(['column', formatName, 'parquet', 'pipeline', source, 'task'])].sort()
  const options = [
    `paths: ${literal(path)}`,
    ...(members === undefined ? [] : [`members: ${literal(members)}`]),
    ...(isNested ? ['nested: true'] : []),
    `format: ${format}`,
  ]
  return `/** Reads ${path.replaceAll('*/', '* /')}, and writes it as Parquet. Steps may follow the task: .sql\`…\`, .mapRows(row => …). */
${importLine(names.join(', '), 'fanmill')}

export const ${variable} = task({
  name: ${literal(name)},
  source: ${source}({ ${options.join(', ')} }),
${columns.replaceAll(/^(?=.)/gm, '  ')}
${hasRejects ? "  // Some records of the sample do not fit their columns: so many may be left out of the dataset.\n  rejects: { max: '1%' },\n" : ''}  output: parquet({ path: '{task}' }),
})

export default pipeline({ name: ${literal(name)}, tasks: [${variable}], trigger: { upload: ${literal(path)} } })
`
}

function testText({ name, variable, hasRejects, sample: { key, expression, member } }: ProjectPlan): string {
  const content = member === undefined ? 'sample' : `{ ${literal(member)}: sample }`
  return `${importLine('readFileSync', 'node:fs')}
${importLine('runTask', 'fanmill/testing')}
${importLine('expect, it', 'vitest')}
${importLine(variable, `../pipelines/${name}.ts`)}

const sample = ${expression}

it('reads the first records', async () => {
  const { rows${hasRejects ? '' : ', rejects'} } = await runTask(${variable}, { files: { ${literal(key)}: ${content} } })
  expect(rows.length).toBeGreaterThan(0)
${hasRejects ? '' : '  expect(rejects).toEqual([])\n'}})
`
}

const appText = ({ name, stack }: ProjectPlan): string => `${importLine('App, Stack', 'aws-cdk-lib')}
${importLine('FanmillPipeline', 'fanmill/cdk')}

new FanmillPipeline(new Stack(new App(), ${literal(stack)}), 'Pipeline', { entry: ${literal(`pipelines/${name}.ts`)} })
`

const readmeText = ({ name, path, input }: ProjectPlan): string => `# ${name}

Reads \`${path}\` from \`${input}\` (\`fanmill.config.json\`) and writes Parquet to \`out/${name}\`.

\`\`\`sh
npm install
npm start                             # run it on this machine
npx fanmill head out/${name}
npm run preview -- --watch            # the first rows, again after each change of pipelines/${name}.ts
npm test                              # type-check, and run the steps on a sample
npx cdk bootstrap && npm run deploy   # deploy it to the AWS account of the environment
\`\`\`
`
