/** Builds the format of JSON documents. */
import * as v from 'valibot'
import { check, options } from '../check.ts'
import type { JsonFormat } from '../definition.ts'
import { type Refined, refinable } from '../freeze.ts'
import { anyEncoding, declaredEncoding, type EncodingOptions } from './encoding-options.ts'
import { readJsonPath } from './json-path.ts'

/** The options of `json`. */
export type JsonOptions = Omit<JsonFormat, 'kind' | 'encoding'> & EncodingOptions
export type Json = Refined<JsonFormat, JsonOptions>

/**
 * JSON documents whose records are objects: arrays, or what a path names. Read as a stream, whatever their size.
 * @example files({ paths: 'events/*.json', format: json({ path: '$.Records[*]' }) })
 */
export function json(given: JsonOptions = {}): Json {
  const { path, encoding } = check('json', jsonOptions, given)
  return refinable({ kind: 'json', path, ...declaredEncoding(encoding) }, given, json)
}

const pathText = "a path of keys and [*] such as $.Records[*] or $['a b'][*]"

const jsonOptions = options({
  path: v.optional(
    v.pipe(
      v.string(pathText),
      v.check(path => readJsonPath(path) !== undefined, pathText),
    ),
  ),
  encoding: anyEncoding,
})
