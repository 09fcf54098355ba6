import fc from 'fast-check'
import { expect, it } from 'vitest'
import { escapeGlob, globMatcher, literalPrefix } from '../../lib/paths/glob.ts'

it.each([
  ['**', 'a/b.csv', true],
  ['**/*.csv', 'b.csv', true],
  ['**/*.csv', 'a/b/c.csv', true],
  ['*.csv', 'a/b.csv', false],
  ['a/*.csv', 'a/b.csv', true],
  ['?.csv', 'ab.csv', false],
  ['{a,b}.csv', 'b.csv', true],
  ['{01..12}.csv', '07.csv', true],
  ['{01..12}.csv', '7.csv', false],
  ['{1..12}.csv', '7.csv', true],
  ['[a-c].csv', 'b.csv', true],
  ['[!a-c].csv', 'b.csv', false],
  ['[!a-c].csv', 'd.csv', true],
  ['a\\*b', 'a*b', true],
  ['a\\*b', 'axb', false],
  ['**', 'line\nbreak', true],
  ['{x}', '{x}', true],
  ['\\day\\1.csv', 'day1.csv', true],
  ['\\d.csv', '1.csv', false],
  ['[\\d].csv', '1.csv', false],
  ['?.csv', '😀.csv', true],
  ['[😀😁].csv', '😁.csv', true],
  ['[!😀].csv', '😁.csv', true],
  ['[!😀].csv', '😀.csv', false],
  ['[a\\-c].csv', '-.csv', true],
  ['[a\\-c].csv', 'b.csv', false],
  ['\\é\\!\\-\\".csv', 'é!-".csv', true],
])('matches as users of shells expect: %s with %j is %s', (glob, name, matches) => {
  expect(globMatcher(glob)(name)).toBe(matches)
})

it.each(['data (1).csv', 'a"b".csv', 'x!(1).csv', 'x+y@2.csv', 'a|b', '@(a)', '$^.csv'])(
  'matches %s literally',
  name => {
    expect(globMatcher(name)(name)).toBe(true)
    expect(globMatcher(name)(`x${name}`)).toBe(false)
  },
)

it.each([
  ['!a.csv', 'a.csv', false],
  ['!a.csv', 'b.csv', true],
  ['!a.csv', 'x/a.csv', true],
  ['!**/old/**', 'x/old/a.csv', false],
  ['!**/old/**', 'x/new/a.csv', true],
  ['!a.csv', '.hidden', false],
  ['!a.csv', '__MACOSX/b.csv', false],
  ['\\!a.csv', '!a.csv', true],
  ['\\!a.csv', 'b.csv', false],
  ['!(a).csv', 'a.csv', false],
  ['!(a).csv', 'ab.csv', true],
  ['!(a).csv', 'x/b.csv', false],
  ['!(a|b*).csv', 'bc.csv', false],
  ['!(a|b*).csv', 'c.csv', true],
  ['in/!(old)-{01..12}.zip', 'in/old-03.zip', false],
  ['in/!(old)-{01..12}.zip', 'in/new-03.zip', true],
  ['**/!(old)/*.csv', 'x/old/a.csv', false],
  ['**/!(old)/*.csv', 'x/new/a.csv', true],
  ['in/!(a)', 'in/.hidden', false],
])('leaves out the names of the glob after an exclamation mark: %s with %j is %s', (glob, name, matches) => {
  expect(globMatcher(glob)(name)).toBe(matches)
})

it('reads ./a in a glob as a', () => {
  expect(globMatcher('./a/*.csv')('a/b.csv')).toBe(true)
  expect(globMatcher('!./a.csv')('a.csv')).toBe(false)
  expect(literalPrefix('./a/*.csv')).toBe('a/')
})

const hidden = [
  '.DS_Store',
  'a/.hidden/b.csv',
  '__MACOSX/a.csv',
  'x/__MACOSX/._a.csv',
  'day/_temporary/0/task_1/part-0.csv',
]
it.each(hidden)('does not match %s', name => {
  expect(globMatcher('**')(name)).toBe(false)
  expect(globMatcher('**/*')(name)).toBe(false)
})

it('matches dot files, __MACOSX and _temporary where the glob names them', () => {
  expect(globMatcher('_temporary/**/*.csv')('_temporary/0/a.csv')).toBe(true)
  expect(globMatcher('**/*.csv')('a_temporary/_temporary.csv')).toBe(true)
  expect(globMatcher('**/.hidden')('a/.hidden')).toBe(true)
  expect(globMatcher('__MACOSX/*')('__MACOSX/a.csv')).toBe(true)
})

it('matches unsafe names like any others, so that they can be refused', () => {
  expect(globMatcher('**/*.csv')('../../evil.csv')).toBe(true)
  expect(globMatcher('**')('a/../b.csv')).toBe(true)
  expect(globMatcher('**/*.csv')('/etc/evil.csv')).toBe(true)
  expect(globMatcher('**')('..\\evil.csv')).toBe(true)
  expect(globMatcher('**/*.csv')('a/.\\b.csv')).toBe(true)
  expect(globMatcher(escapeGlob('..\\evil.csv'))('..\\evil.csv')).toBe(true)
  expect(globMatcher(escapeGlob('.*'))('.*')).toBe(true)
})

it.each(['\\\\ ', 'a\\\\b', '\\\\', '\\\\\\a'])(
  'matches backslashes that follow one another by their escaped form: %j',
  text => {
    expect(globMatcher(escapeGlob(text))(text)).toBe(true)
    expect(globMatcher(escapeGlob(text))(text.slice(1))).toBe(false)
  },
)

it('matches a text by its escaped form, and no other text', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'grapheme-ascii' }), fc.string({ minLength: 1 }), (text, other) => {
      fc.pre(!/(^|\/)\.\.?(\/|$)/.test(text) && !/\/$/.test(text) && text !== other)
      const matches = globMatcher(escapeGlob(text))
      expect(matches(text)).toBe(true)
      expect(matches(other)).toBe(false)
      expect(literalPrefix(escapeGlob(text))).toBe(text)
    }),
  )
})

it.each([
  ['incoming/2024-01/*.zip', 'incoming/2024-01/'],
  ['incoming/a*.zip', 'incoming/a'],
  ['a.zip', 'a.zip'],
  ['**', ''],
  ['a\\*b/{c,d}', 'a*b/'],
  ['!a/b', ''],
  ['a/!(b)/c', 'a/'],
  ['a!(b)', 'a!(b)'],
])('lists %s from the prefix %s', (glob, prefix) => {
  expect(literalPrefix(glob)).toBe(prefix)
})
