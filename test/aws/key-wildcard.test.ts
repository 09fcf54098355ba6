import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyFilter } from '../../lib/aws/key-wildcard.ts'
import { literalPrefix } from '../../lib/paths/glob.ts'
import { matchPath } from '../../lib/paths/path-template.ts'

describe('keyFilter', () => {
  it.each([
    ['', 'incoming/*.zip', { wildcard: 'incoming/*.zip' }],
    ['in/', 'incoming/{month}/*.zip', { wildcard: 'in/incoming/*/*.zip' }],
    ['', 'visits/{month}/**/*.csv', { wildcard: 'visits/*/*.csv' }],
    ['', 'events/{day}/{kind}-{n}.csv', { wildcard: 'events/*/*-*.csv' }],
    ['', 'a/{x,y}/b[0-9]?.csv', { wildcard: 'a/*/b*.csv' }],
    ['', 'months/{01..12}.csv', { wildcard: 'months/*.csv' }],
    ['', '*.csv', { wildcard: '*.csv' }],
    ['', 'done/{day}/_READY', { wildcard: 'done/*/_READY' }],
    ['', 'one/file.csv', { wildcard: 'one/file.csv' }],
    ['', 'back\\*slash/{n}.csv', { wildcard: 'back\\*slash/*.csv' }],
    ['', 'data/!(tmp)/x.csv', { wildcard: 'data/*/x.csv' }],
    ['', 'data/*/!(a|b)-{day}.csv', { wildcard: 'data/*/*-*.csv' }],
    ['', './data/*.csv', { wildcard: 'data/*.csv' }],
    ['in/', '!data/*.csv', { prefix: 'in/' }],
    ['', 'incoming/**', { prefix: 'incoming/' }],
    ['', 'incoming/{month}/**', { prefix: 'incoming/' }],
    ['in/', '**', { prefix: 'in/' }],
    ['', '**', undefined],
  ])('makes below the prefix %j of the template %s the right filter', (prefix, template, filter) => {
    expect(keyFilter(prefix, template)).toEqual(filter)
  })

  it('falls back to the prefix when the wildcard is too complex for EventBridge', () => {
    expect(keyFilter('', 'in/{a}aaaa{b}aaaa{c}aaaa.csv')).toEqual({ prefix: 'in/' })
    expect(keyFilter('', '{a}-{b}-{c}-{d}-{e}-{f}-{g}.csv')).toBeUndefined()
    expect(keyFilter('', 'in/{a}/{b}/{c}/*.csv')).toEqual({ wildcard: 'in/*/*/*/*.csv' })
  })

  it('passes every key that the template matches', () => {
    const piece = fc.constantFrom(
      'a',
      'b',
      '/',
      '*',
      '**',
      '**/',
      '?',
      '{p}',
      '{q}',
      '{a,b}',
      '[ab]',
      '\\*',
      '-',
      '.',
      '!(a)/',
      '!(a|b)',
    )
    const key = fc.array(fc.constantFrom('a', 'b', '/', '-', '.', '*'), { maxLength: 9 }).map(parts => parts.join(''))
    // Three stars in a row are no glob.
    const templates = fc
      .array(piece, { minLength: 1, maxLength: 6 })
      .map(parts => parts.join(''))
      .filter(template => !/\*{3,}/.test(template))
    fc.assert(
      fc.property(templates, fc.array(key, { minLength: 30, maxLength: 30 }), (template, keys) => {
        for (const each of keys) {
          if (matchPath(template, each) === undefined || !each.startsWith(prefixOf(template))) continue
          expect([template, each, passes(`in/${each}`, keyFilter('in/', template))]).toEqual([template, each, true])
        }
      }),
      { numRuns: 1000 },
    )
  })
})

/** Returns the text before the first glob or parameter. */
const prefixOf = (template: string): string => literalPrefix(template.replaceAll(/\{[a-z]\}/g, '*'))

/** Compares a key as EventBridge does. */
function passes(key: string, filter: ReturnType<typeof keyFilter>): boolean {
  if (filter === undefined) return true
  if ('prefix' in filter) return key.startsWith(filter.prefix)
  const source = filter.wildcard.replace(/\\(.)|(\*)|([^\w/])/g, (_, escaped, any, special) =>
    any ? '.*' : `\\${escaped ?? special}`,
  )
  return new RegExp(`^${source}$`, 's').test(key)
}
