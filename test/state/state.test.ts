import { describe, expect, it } from 'vitest'
import type { Manifest } from '../../lib/model/outcome/manifest.ts'
import { partName } from '../../lib/model/outcome/part-name.ts'
import { readHeadFile, readManifest, runKeys, stateBytes, successKey } from '../../lib/state/state.ts'

const totals = { rows: 1, bytes: 2, parts: 1, rowsRead: 1, rowsRejected: 0, rowsFiltered: -3, members: 1 }
const manifest: Manifest = {
  fanmill: 1,
  generation: 3,
  task: 'flights',
  runs: [],
  schema: [{ name: 'delay', type: 'INTEGER' }],
  partitionBy: ['state'],
  parts: [{ key: 'p.parquet', rows: 1, bytes: 2, etag: 'e', runId: 'r', partition: { state: null } }],
  totals,
}

describe('state files', () => {
  it('are read as they were written', () => {
    expect(readManifest(stateBytes(manifest), '_SUCCESS')).toEqual(manifest)
  })

  it('may hold fields that this version does not know', () => {
    expect(readManifest(stateBytes({ ...manifest, future: true }), '_SUCCESS')).toEqual(manifest)
  })

  it.each([
    ['cut short', stateBytes(manifest).slice(0, 40), 'expected JSON'],
    ['empty', new Uint8Array(), 'expected JSON, got 0 bytes'],
    ['of another version', stateBytes({ ...manifest, fanmill: 2 }), 'fanmill: expected 1, got 2'],
    ['without a field', stateBytes({ ...manifest, totals: { ...totals, rows: undefined } }), 'totals.rows'],
    ['with a field of another type', stateBytes({ ...manifest, parts: 'none' }), 'parts: expected Array, got "none"'],
    [
      'with a list in the place of an object by names',
      stateBytes({ ...manifest, parts: [{ ...manifest.parts[0], partition: [] }] }),
      'parts.0.partition: expected Object, got Array',
    ],
  ])('are refused when %s, naming the key', (_, content, message) => {
    expect(() => readManifest(content, 'flights/_SUCCESS')).toThrow(
      expect.objectContaining({
        code: 'STATE_INVALID',
        message: expect.stringContaining(message),
        detail: { key: 'flights/_SUCCESS' },
      }),
    )
  })

  it('name a damaged head, with the remedy', () => {
    expect(() => readHeadFile(stateBytes({}), 'head.json')).toThrow('head.json: ')
  })

  it('have keys that tell runs, attempts, batches and tries apart', () => {
    const keys = runKeys({ runId: '0123456789abcdef', attempt: 2 })
    expect(keys.outcome(7)).toBe('.fanmill/runs/0123456789abcdef/2/outcomes/7.json')
    expect(keys.failure(7, 3)).toBe('.fanmill/runs/0123456789abcdef/2/failures/7-3.json')
    expect(partName(7, 0, { runId: '0123456789abcdef', attempt: 2 })).toBe('part-7-0-0123456789abcdef-2.parquet')
    expect(successKey('a/b')).toBe('a/b/_SUCCESS')
    expect(successKey('')).toBe('_SUCCESS')
  })
})
