import { expect, it } from 'vitest'
import { didYouMean, nearest, nearestToGlob } from '../../lib/errors/nearest.ts'

it('finds the names that a misspelt one may mean, nearest first', () => {
  expect(nearest('sourec', ['target', 'source', 'sources', 'name'])).toEqual(['source', 'sources'])
  expect(nearest('CARRIER', ['carrier', 'month'])).toEqual(['carrier'])
})

it('finds names that begin alike, however long', () => {
  expect(nearest('incoming/2024-01', ['incoming/2024-01/flights-of-january.zip', 'other.zip'])).toEqual([
    'incoming/2024-01/flights-of-january.zip',
  ])
})

it('finds nothing when no name is near', () => {
  expect(nearest('x', ['carrier', 'month', 'y'])).toEqual([])
  expect(nearest('delay', [])).toEqual([])
})

it('returns at most the given number of names, each once', () => {
  expect(nearest('col1', ['col2', 'col3', 'col4', 'col2', 'col5'])).toHaveLength(3)
  expect(nearest('col1', ['col2', 'col2', 'col2'])).toEqual(['col2'])
})

it('writes the names as the end of a message', () => {
  expect(didYouMean('delai', ['delay', 'origin'])).toBe(', did you mean delay')
  expect(didYouMean('zzz', ['delay', 'origin'])).toBe('')
})

it('always finds names for a glob where there are any', () => {
  const names = ['readme.txt', 'data/jan.csv', 'data/feb.csv', 'z/very/long/and/far/away.parquet']
  expect(nearestToGlob('**/*.cvs', names, 2)).toEqual(['data/feb.csv', 'data/jan.csv'])
  expect(nearestToGlob('zzz', ['a'])).toEqual(['a'])
  expect(nearestToGlob('*.csv', [])).toEqual([])
})
