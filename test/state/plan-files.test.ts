import { describe, expect, it } from 'vitest'
import type { FileSlice, InputObject, MembersSlice, PlanItem } from '../../lib/model/plan-data.ts'
import { inputOf, planFiles, readBatch } from '../../lib/state/plan-files.ts'
import { packMembers } from '../../lib/zip/member-rows.ts'

const inputOfNumber = (number: number): InputObject => ({
  key: `in/${number}.csv`,
  sizeBytes: 10,
  etag: `e${number}`,
  identity: `i${number}`,
})
const inputs = Array.from({ length: 6 }, (_, number) => inputOfNumber(number))
const fileOf = (number: number): FileSlice => ({ kind: 'file', slice: number, input: number, bytes: 10 })
const cut = (members: Uint8Array, { range }: PlanItem): Uint8Array => members.slice(range.start, range.end)

describe('the files of a plan', () => {
  it('hold the slices of a batch and only the inputs of these slices, in one range', () => {
    const batches = [[fileOf(0), fileOf(3)], [fileOf(5)], [], [fileOf(1)]]
    const { plan, members } = planFiles(batches, inputs)
    expect(plan.map(item => readBatchOf(members, item))).toEqual([
      { slices: batches[0], inputs: { 0: inputs[0], 3: inputs[3] } },
      { slices: batches[1], inputs: { 5: inputs[5] } },
      'nothing',
      { slices: batches[3], inputs: { 1: inputs[1] } },
    ])
    expect(plan.at(-1)?.range.end).toBe(members.length)
  })

  it('name an archive once in each batch, however many members and slices it has there', () => {
    const member = { headerOffset: 0, compressedBytes: 1, inflatedBytes: 1, crc32: 0, method: 8 } as const
    const slices = Array.from({ length: 50 }, (_, slice): MembersSlice => {
      const members = packMembers(
        Array.from({ length: 20 }, (_, index) => ({ ...member, name: `${slice}-${index}.csv` })),
      )
      return { kind: 'members', slice, input: 2, range: { start: 0, end: 1 }, memberCount: 20, members, bytes: 20 }
    })
    const { members } = planFiles([slices.slice(0, 25), slices.slice(25)], inputs)
    expect(new TextDecoder().decode(members).split('in/2.csv')).toHaveLength(1 + 2)
  })

  it('are refused when a batch does not have its inputs before its slices', () => {
    const line = new TextEncoder().encode(`${JSON.stringify(fileOf(0))}\n`)
    const item = { ...itemOf(1), range: { start: 0, end: line.length } }
    expect(() => readBatch(line, item)).toThrow(
      expect.objectContaining({
        code: 'STATE_INVALID',
        message:
          'members/m: batch 4: expected its inputs before its slices, got none; it was cut short, edited, or written by another version of fanmill; run the task with --force, which begins a new attempt and leaves this file alone',
      }),
    )
    expect(() => readBatch(new Uint8Array(), item)).toThrow('expected its inputs before its slices')
  })

  it('are refused when a batch has another number of slices than its item, or a slice names a missing input', () => {
    const { plan, members } = planFiles([[fileOf(0), fileOf(1)]], inputs)
    expect(() => readBatch(members, { ...plan[0]!, sliceCount: 3 })).toThrow('expected 3 slices, got 2')
    expect(() => inputOf({}, fileOf(7))).toThrow(expect.objectContaining({ code: 'STATE_INVALID' }))
    expect(() => planFiles([[fileOf(7)]], inputs)).toThrow('slice 7 reads input 7')
  })
})

const readBatchOf = (members: Uint8Array, item: PlanItem) =>
  item.sliceCount === 0 ? 'nothing' : readBatch(cut(members, item), item)

const itemOf = (sliceCount: number): PlanItem => ({
  batch: 4,
  members: 'm',
  range: { start: 0, end: 0 },
  sliceCount,
  memberCount: 0,
  bytes: 0,
})
