import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FileWriter } from '../../lib/stage/file-writer.ts'
import { SpareFiles } from '../../lib/stage/spare-files.ts'
import { createStage } from '../../lib/stage/stage.ts'
import { csvFormat } from './staged-rows.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanmill-spare-'))
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(folder, { recursive: true, force: true })
})

describe('a text that is written over an old one', () => {
  it('is all that the file has, for any pieces, lengths and texts that are taken back', async () => {
    const piece = fc.oneof(fc.nat(40_000), fc.nat(300)).map(length => Buffer.alloc(length, `${length}`))
    const step = fc.record({ piece, cut: fc.option(fc.double({ min: 0, max: 1, noNaN: true })), closes: fc.boolean() })
    const texts = fc.array(fc.array(step, { maxLength: 6 }), { minLength: 2, maxLength: 4 })
    await fc.assert(
      fc.property(texts, all => {
        const spares = new SpareFiles({ filesMax: 1 })
        for (const [index, steps] of all.entries()) {
          const writer = new FileWriter(join(folder, `${index}.txt`), spares)
          let expected = Buffer.alloc(0)
          for (const { piece, cut, closes } of steps) {
            writer.append(piece)
            expected = Buffer.concat([expected, piece])
            if (cut !== null) {
              expected = expected.subarray(0, Math.floor(expected.length * cut))
              writer.cutTo(expected.length)
            }
            if (closes) writer.close()
          }
          writer.close()
          expect(writer.bytes).toBe(expected.length)
          expect(readFileSync(writer.file).equals(expected)).toBe(true)
          // The next text is longer or shorter than what is left here.
          writer.remove()
          expect(readdirSync(folder)).toHaveLength(1)
        }
        spares.close()
        expect(readdirSync(folder)).toEqual([])
      }),
      { numRuns: 200 },
    )
  })

  it('is staged as without old texts', () => {
    const spares = new SpareFiles({ filesMax: 1 })
    for (const rows of [1_000, 10, 0, 3_000]) {
      const text = `a,b\n${'1,2\n'.repeat(rows)}`
      const stage = createStage({
        folder,
        format: csvFormat,
        located: false,
        stageBytesMax: 1e9,
        name: `${rows}`,
        spares,
      })
      stage.add(Buffer.from(text), { archive: 'a.csv', member: '' })
      const [staged] = stage.finish()
      expect(readFileSync(staged?.file ?? '', 'utf8')).toBe(text.slice(4))
      stage.discard()
      // It may be called again when another stage has taken the file.
      stage.discard()
    }
    spares.close()
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('SpareFiles', () => {
  const fileOf = (name: string): string => {
    writeFileSync(join(folder, name), name)
    return join(folder, name)
  }

  it('keeps no more files than it may, and none after it is closed', () => {
    const spares = new SpareFiles({ filesMax: 1 })
    expect([spares.keep(fileOf('a')), spares.keep(fileOf('b'))]).toEqual([true, false])
    spares.close()
    expect(readdirSync(folder)).toEqual(['b'])
    expect(spares.keep(fileOf('c'))).toBe(false)
    expect(spares.moveTo(join(folder, 'd'))).toBe(false)
  })

  it('has none where the file was removed by others', () => {
    const spares = new SpareFiles({ filesMax: 1 })
    const file = fileOf('a')
    spares.keep(file)
    rmSync(file)
    expect(spares.moveTo(join(folder, 'b'))).toBe(false)
  })

  it('removes files when no text needs them', () => {
    vi.useFakeTimers()
    const spares = new SpareFiles({ filesMax: 2, idleMs: 20 })
    spares.keep(fileOf('a'))
    vi.advanceTimersByTime(19)
    spares.keep(fileOf('b'))
    vi.advanceTimersByTime(19)
    expect(spares.moveTo(join(folder, 'c'))).toBe(true)
    vi.advanceTimersByTime(20)
    expect(readdirSync(folder)).toEqual(['c'])
    expect(existsSync(join(folder, 'c'))).toBe(true)
  })
})
