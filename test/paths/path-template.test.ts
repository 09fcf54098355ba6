import fc from 'fast-check'
import { expect, it } from 'vitest'
import { globMatcher } from '../../lib/paths/glob.ts'
import { matchPath, renderPath, templateGlob } from '../../lib/paths/path-template.ts'

const value = fc
  .string({ minLength: 1, maxLength: 40, unit: 'binary' })
  .filter(text => ![...text].some(character => character < ' ' || character === '\x7f'))
  .filter(text => text.isWellFormed())

it('reads back the parameters from the path that they rendered', () => {
  fc.assert(
    fc.property(value, value, fc.stringMatching(/^[a-z]{1,5}$/), (one, two, text) => {
      const template = `${text}/{one}/${text}={two}/end`
      const path = renderPath(template, { one, two })
      expect(path.split('/')).toHaveLength(4)
      expect(path.split('/')).not.toContain('..')
      expect(matchPath(template, path)).toEqual({ one, two })
    }),
  )
})

it('lists the path that it renders, and no path that other values render', () => {
  fc.assert(
    fc.property(value, value, (one, other) => {
      const template = 'in/{one}/*.zip'
      const matches = globMatcher(templateGlob(template, { one }))
      expect(matches(`${renderPath('in/{one}', { one })}/x.zip`)).toBe(true)
      if (one !== other) expect(matches(`${renderPath('in/{one}', { one: other })}/x.zip`)).toBe(false)
    }),
  )
})

it('keeps each value inside its segment', () => {
  expect(renderPath('a/{x}/b', { x: '..' })).toBe('a/%2E./b')
  expect(renderPath('a/{x}/b', { x: '../../etc' })).toBe('a/%2E.%2F..%2Fetc/b')
  expect(renderPath('{x}/b', { x: '.fanmill' })).toBe('%2Efanmill/b')
  expect(renderPath('{n}/{f}', { n: 7, f: true })).toBe('7/true')
})

it.each([
  ['nothing', undefined],
  ['an empty value', ''],
  ['a control character', 'a\nb'],
  ['half a character', '\ud800'],
  ['more bytes than a name may have', 'x'.repeat(256)],
])('refuses %s', (_, x) => {
  expect(() => renderPath('a/{x}', x === undefined ? {} : { x })).toThrow(
    expect.objectContaining({ code: 'PARAM_INVALID', message: expect.stringMatching(/^param x: expected .*, got /) }),
  )
})

it.each([
  ['incoming/{month}/*.zip', 'incoming/2024-01/a.zip', { month: '2024-01' }],
  ['incoming/{month}/*.zip', 'incoming/2024-01/b/a.zip', undefined],
  ['incoming/{month}/**/*.zip', 'incoming/2024-01/b/a.zip', { month: '2024-01' }],
  ['incoming/{month}.zip', 'incoming/2024-01.zip', { month: '2024-01' }],
  ['{a}-{b}.zip', 'x-y.zip', { a: 'x', b: 'y' }],
  ['{a}/{a}.zip', 'x/x.zip', { a: 'x' }],
  ['{a}/{a}.zip', 'x/y.zip', undefined],
  ['{csv,json}/{day}.gz', 'json/1.gz', { day: '1' }],
  ['[a-z]/{day}', 'b/1', { day: '1' }],
  ['{day}/x', '50%/x', undefined],
  ['{day}/x', '.hidden/x', undefined],
  ['in/{day}/*', '__MACOSX/1/x', undefined],
  ['a.b/{day}', 'aXb/1', undefined],
])('matches %s with %s as %j', (template, key, params) => {
  expect(matchPath(template, key)).toEqual(params)
})

it('leaves braces that are not a placeholder to the glob', () => {
  expect(templateGlob('{a,b}/{1..3}/{day}/*', { day: 'x*' })).toBe('{a,b}/{1..3}/x\\*/*')
})

it('reads the placeholders of a path beside a segment that is left out', () => {
  expect(matchPath('in/!(old)-{month}.zip', 'in/new-01.zip')).toEqual({ month: '01' })
  expect(matchPath('in/!(old)-{month}.zip', 'in/old-01.zip')).toBeUndefined()
  expect(matchPath('!in/old.zip', 'in/old.zip')).toBeUndefined()
  expect(matchPath('!in/old.zip', 'in/new.zip')).toEqual({})
})
