/** Proposals of `infer` for small difficult files, each compared with a run of it. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as fanmill from '../../lib/index.ts'
import { buildZip } from '../zip-builder.ts'
import { runProposal } from './proposals.ts'

const folderOf = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}/`, import.meta.url))
const difficult = folderOf('infer')
const isText = (name: string): boolean => /\.(csv|tsv|jsonl?)$/.test(name)

interface Expected {
  /** The printed proposal, line by line. */
  readonly source: readonly string[]
  readonly rows: readonly unknown[]
  readonly rowsRejected: number
}

const expected = JSON.parse(readFileSync(join(difficult, 'expected.json'), 'utf8')) as Record<string, Expected>
const fixtures = readdirSync(difficult).filter(name => isText(name) && name !== 'expected.json')

describe('the proposal for', () => {
  it.each(fixtures)('%s is as expected, and a run with it has the rows that were counted', async name => {
    const { source, rows, rowsRejected } = await fanmill.infer(join(difficult, name))
    const run = await runProposal(source, { name, bytes: readFileSync(join(difficult, name)) })
    expect({ rows: run.rows.length, rowsRejected: run.rejectCount }).toEqual({ rows, rowsRejected })
    expect({ source: source.split('\n'), rows: run.rows, rowsRejected }).toEqual(expected[name])
  })

  it.each(fixtures.filter(name => name.length % 3 === 0))('%s as a member of a zip has the same rows', async name => {
    const bytes = readFileSync(join(difficult, name))
    const archive = join(mkdtempSync(join(tmpdir(), 'fanmill-infer-')), 'a.zip')
    writeFileSync(archive, buildZip({ [name]: bytes }))
    const { source } = await fanmill.infer(archive)
    const run = await runProposal(source, { name, bytes, isZipped: true })
    expect(run.rows).toEqual(expected[name]?.rows)
    expect(run.rejectCount).toBe(expected[name]?.rowsRejected)
  })

  it.each(readdirSync(folderOf('csv')).filter(isText))('%s reads the rows that were counted', async name => {
    const file = join(folderOf('csv'), name)
    const inferred = await fanmill.infer(file).catch(error => error)
    if (inferred instanceof Error) return expect(inferred).toMatchObject({ code: 'NO_INPUT' })
    const run = await runProposal(inferred.source, { name, bytes: readFileSync(file) })
    expect(run.rows).toHaveLength(inferred.rows)
    expect(run.rejectCount).toBe(inferred.rowsRejected)
  })
})
