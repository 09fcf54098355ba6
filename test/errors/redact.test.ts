/** Removing secrets from texts. */
import { expect, it } from 'vitest'
import { redactor } from '../../lib/errors/redact.ts'

it('replaces a secret by stars anywhere in plain data, also in its JSON and address forms', () => {
  const redact = redactor({ api: 'se"same/1', other: 'open' })
  const said = {
    message: 'with se"same/1 or open',
    detail: { body: '{"key":"se\\"same/1"}', url: '?k=se%22same%2F1', count: 3 },
    list: [null, 'open'],
  }
  expect(redact(said)).toEqual({
    message: 'with *** or ***',
    detail: { body: '{"key":"***"}', url: '?k=***', count: 3 },
    list: [null, '***'],
  })
})

it('does not change texts without secrets, nor for secrets shorter than four characters', () => {
  expect(redactor({})('text')).toBe('text')
  expect(redactor({ pin: '123' })('12345')).toBe('12345')
})
