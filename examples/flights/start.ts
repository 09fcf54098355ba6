/** `npm start`: prepares the example's input if absent, then runs its pipeline with the command line, as a user would. */
import { spawnSync } from 'node:child_process'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { prepare } from './prepare.ts'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

await prepare(at('data'))
const command = [at('../../lib/cli/main.ts'), 'run', at('pipeline.ts'), '--input', at('data'), '--output', at('out')]
const { status } = spawnSync(process.execPath, [...command, ...process.argv.slice(2)], { stdio: 'inherit' })
if (status === 0) console.log(`See it with: npm run fanmill -- show ${relative(process.cwd(), at('out/flights'))}`)
process.exitCode = status ?? 1
