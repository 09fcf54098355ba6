/** Secrets in texts. */
import { expect, it } from 'vitest'
import { redactor } from '../../lib/errors/redact.ts'

it('puts stars in place of a secret wherever it stands in plain data, also as JSON and addresses write it', () => {
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

it('leaves texts alone where there are no secrets, or only ones as short as a word in them', () => {
  expect(redactor({})('text')).toBe('text')
  expect(redactor({ pin: '123' })('12345')).toBe('12345')
})
