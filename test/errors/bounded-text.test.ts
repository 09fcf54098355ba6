/** Error messages in the output of a Parallel state. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { boundedText, messageBytesMax, nestedBytes } from '../../lib/errors/bounded-text.ts'

describe('boundedText', () => {
  it('keeps a text that fits unchanged', () => {
    expect(boundedText('BATCHES_FAILED 1 of 2', 400)).toBe('BATCHES_FAILED 1 of 2')
  })

  it('keeps the beginning of a longer text, within its bound for any characters', () => {
    const texts = fc.string({ unit: 'binary', minLength: 1, maxLength: 3000 })
    fc.assert(
      fc.property(texts, fc.integer({ min: 200, max: 8000 }), (text, bytesMax) => {
        const bounded = boundedText(`CODE ${text}`, bytesMax)
        expect(nestedBytes(bounded)).toBeLessThanOrEqual(bytesMax)
        expect(bounded.startsWith('CODE ')).toBe(true)
        expect(bounded).toBe(bounded.toWellFormed())
      }),
    )
  })

  it('ends with a note where the rest is', () => {
    expect(boundedText('x'.repeat(1000), 400)).toMatch(/^x+ … \(cut short here; fanmill status shows all of it\)$/)
  })
})

describe('the messages of all tasks of a pipeline', () => {
  it.each([1, 10, 100, 400])('fit together into the 256 KiB of a state, for %i tasks', taskCount => {
    const message = boundedText(`BATCHES_FAILED ${'"\\\u0001é'.repeat(20_000)}`, messageBytesMax(taskCount))
    const trace = ['PermanentError: BATCHES_FAILED']
    const Cause = JSON.stringify({ errorType: 'PermanentError', errorMessage: message, trace })
    const fault = { Error: 'PermanentError', Cause }
    const output = Array.from({ length: taskCount }, () => ({ task: 'a'.repeat(60), status: 'failed', fault }))
    expect(Buffer.byteLength(JSON.stringify(output))).toBeLessThan(256 * 1024)
  })
})
