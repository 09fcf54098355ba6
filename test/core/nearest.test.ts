import { expect, it } from 'vitest'
import { didYouMean, nearest } from '../../lib/core/nearest.ts'

it('finds the names that a misspelt one may have meant, nearest first', () => {
  expect(nearest('sourec', ['target', 'source', 'sources', 'name'])).toEqual(['source', 'sources'])
  expect(nearest('CARRIER', ['carrier', 'month'])).toEqual(['carrier'])
})

it('finds names that begin alike, however long', () => {
  expect(nearest('incoming/2024-01', ['incoming/2024-01/flights-of-january.zip', 'other.zip'])).toEqual([
    'incoming/2024-01/flights-of-january.zip',
  ])
})

it('finds nothing where nothing is near', () => {
  expect(nearest('x', ['carrier', 'month', 'y'])).toEqual([])
  expect(nearest('delay', [])).toEqual([])
})

it('gives no more than asked for, each once', () => {
  expect(nearest('col1', ['col2', 'col3', 'col4', 'col2', 'col5'])).toHaveLength(3)
  expect(nearest('col1', ['col2', 'col2', 'col2'])).toEqual(['col2'])
})

it('says it as the end of a message', () => {
  expect(didYouMean('delai', ['delay', 'origin'])).toBe(', did you mean delay')
  expect(didYouMean('zzz', ['delay', 'origin'])).toBe('')
})
