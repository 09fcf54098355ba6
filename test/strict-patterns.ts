/**
 * Makes a regular expression match in comparisons of objects by identity of its pattern only. `toMatchObject` takes it for an object
 * without keys otherwise, which every value matches: `{ message: /lost/ }` would check nothing. `expect.stringMatching` compares texts.
 */
import { expect } from 'vitest'

expect.addEqualityTesters([
  (received: unknown, expected: unknown) =>
    expected instanceof RegExp && !(received instanceof RegExp) ? false : undefined,
])
