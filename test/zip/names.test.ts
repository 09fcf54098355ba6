import { describe, expect, it } from 'vitest'
import { checkExtractable, memberPath, safePath } from '../../lib/zip/names.ts'

describe('memberPath', () => {
  it.each([
    ['./a.csv', 'a.csv'],
    ['././a//b.csv', 'a/b.csv'],
    ['a/./b.csv', 'a/b.csv'],
    ['./', ''],
    ['./a/', 'a/'],
    ['a//', 'a/'],
    ['.a/..b', '.a/..b'],
    ['a/../b.csv', 'b.csv'],
    ['a/b/./..//../c/d', 'c/d'],
    ['a/../', ''],
  ])('gives %j its one spelling, %j', (name, path) => {
    expect(memberPath(name)).toBe(path)
  })

  it.each(['/a', '//a', '/./a', '../a', './../a', 'a/..', 'a/../../b', '/a/../b', 'C:/../a', 'a/../C:/b', 'C:/a'])(
    'leaves %j a name that is refused as a path',
    name => {
      expect(() => safePath(memberPath(name))).toThrowError(expect.objectContaining({ code: 'ZIP_UNSAFE_NAME' }))
    },
  )
})

describe('safePath', () => {
  it.each(['a.csv', 'a/b/c.csv', '...', 'a..b/c', 'ünï/日本.csv', 'a b.csv', '.hidden'])('accepts %j', name => {
    expect(safePath(name)).toBe(name)
  })

  it.each([
    '',
    '..',
    '../a',
    'a/../b',
    'a/..',
    '.',
    './a',
    'a//b',
    '/a',
    'a/',
    'C:a',
    'c:/a',
    '1.zip/C:/a',
    'a\\b',
    '..\\a',
    'a\0b',
  ])('refuses %j', name => {
    expect(() => safePath(name)).toThrowError(expect.objectContaining({ code: 'ZIP_UNSAFE_NAME' }))
  })
})

describe('checkExtractable', () => {
  const check = (...names: string[]) => checkExtractable(names.map(name => ({ name })))
  const duplicate = expect.objectContaining({ code: 'ZIP_DUPLICATE_NAME' })

  it('accepts names of different files', () => {
    expect(() => check('a/b', 'a/c', 'ab', 'a.b')).not.toThrow()
  })

  it.each(['_SUCCESS', '_success', '.fanmill/x', '.fanmill-unzip.json', 'a/b.csv.pending-x1'])(
    'refuses %j, which is kept for our own files',
    name => {
      expect(() => check(name)).toThrowError(expect.objectContaining({ code: 'ZIP_UNSAFE_NAME' }))
    },
  )

  it('refuses two members of one name in one archive, with the ways out', () => {
    const members = ['a/[b]', 'a/[b]'].map(name => ({ name, archive: 'x.zip' }))
    expect(() => checkExtractable(members)).toThrowError(duplicate)
    expect(() => checkExtractable(members)).toThrowError(
      `expected names that make different files, got "a/[b]" of x.zip and "a/[b]" of x.zip; members: '!a/\\[b\\]' leaves the name out, or zip the archive again with one of them`,
    )
  })

  it('refuses names that differ by case or Unicode form only', () => {
    expect(() => check('a/B', 'A/b')).toThrowError(duplicate)
    expect(() => check('caf\u00e9', 'cafe\u0301')).toThrowError(duplicate)
  })

  it('refuses a file that is the folder of another', () => {
    expect(() => check('a/b/c', 'A/B')).toThrowError(duplicate)
  })

  it('refuses an unsafe name', () => {
    expect(() => check('a', '../b')).toThrowError(expect.objectContaining({ code: 'ZIP_UNSAFE_NAME' }))
  })
})
