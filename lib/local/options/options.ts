/** Kinds of options, and the check of options where they enter: from a program, a flag, a variable or a configuration file. */
import type { TextEncoding } from '../../define/definition.ts'
import { PermanentError } from '../../errors/errors.ts'
import { didYouMean } from '../../errors/nearest.ts'
import { logLevels } from '../../model/events.ts'

/** The values that an option takes. */
export interface OptionKind {
  /** Completes "expected …". */
  readonly expected: string
  readonly fits: (value: unknown) => boolean
  /** Value that a flag's or a variable's text stands for; default the text itself. */
  readonly fromText?: (text: string) => unknown
}

/** The options of one function: a kind for each. */
export type OptionKinds<Options, Kind = OptionKind> = { readonly [Name in keyof Required<Options>]: Kind }

/** Returns the same options. @throws USAGE with the option, what was expected and what was received; for an unknown one with the nearest */
export function checkOptions<Options extends object>(
  caller: string,
  options: Options,
  kinds: OptionKinds<Options>,
): Options {
  if (typeof options !== 'object' || options === null) throw invalidOption(`${caller}: options`, values, options)
  for (const [name, value] of Object.entries(options)) {
    const kind = (kinds as Readonly<Record<string, OptionKind>>)[name]
    if (!kind) {
      const message = `${caller}: ${name}: unknown option${didYouMean(name, Object.keys(kinds))}`
      throw new PermanentError('USAGE', message, { name })
    }
    if (value !== undefined && !kind.fits(value)) throw invalidOption(`${caller}: ${name}`, kind, value)
  }
  return options
}

/** The value of an option from text or JSON; undefined where it does not fit. */
export function readOption({ fits, fromText }: OptionKind, given: unknown): unknown {
  const value = typeof given === 'string' && fromText ? fromText(given.trim()) : given
  return fits(value) ? value : undefined
}

/** The error for a value that does not fit; `name` is what the user wrote it under. */
export function invalidOption(name: string, { expected }: OptionKind, value: unknown): PermanentError {
  const received = typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? String(value)).slice(0, 60)
  return new PermanentError('USAGE', `${name}: expected ${expected}, got ${received}`, { name })
}

const wholeNumber = (text: string): unknown => (/^\d+$/.test(text) ? Number(text) : text)
const isWhole = (value: unknown, min: number): boolean => Number.isSafeInteger(value) && Number(value) >= min
const isPercentage = (value: unknown): boolean =>
  typeof value === 'string' && /^\d+(\.\d+)?%$/.test(value) && Number.parseFloat(value) <= 100
const booleans: Readonly<Record<string, boolean>> = { true: true, false: false, 1: true, 0: false }

const values: OptionKind = { expected: 'an object', fits: value => typeof value === 'object' && value !== null }
export const text: OptionKind = {
  expected: 'a string that is not empty',
  fits: value => typeof value === 'string' && value !== '',
}
export const textOrTexts: OptionKind = {
  expected: 'a string that is not empty, or a list of at least one',
  fits: value => text.fits(value) || (Array.isArray(value) && value.length > 0 && value.every(text.fits)),
}
export const root: OptionKind = { ...text, expected: 'a folder or s3://bucket/prefix' }
export const flag: OptionKind = {
  expected: 'true or false',
  fits: value => typeof value === 'boolean',
  fromText: text => booleans[text] ?? text,
}
export const count: OptionKind = {
  expected: 'a whole number of at least 1',
  fits: value => isWhole(value, 1),
  fromText: wholeNumber,
}
export const index: OptionKind = {
  expected: 'a whole number, 0 or more',
  fits: value => isWhole(value, 0),
  fromText: wholeNumber,
}
export const textEncodings: readonly TextEncoding[] = ['utf-8', 'windows-1252']
export const encoding: OptionKind = {
  expected: `one of ${textEncodings.join(', ')}`,
  fits: value => textEncodings.includes(value as TextEncoding),
}
/** Days, also parts of one. */
export const days: OptionKind = {
  expected: 'a number of days, 0 or more',
  fits: value => typeof value === 'number' && value >= 0,
}
export const share: OptionKind = {
  expected: 'a whole number, or a share such as 0.5%',
  fits: value => isWhole(value, 0) || isPercentage(value),
  fromText: wholeNumber,
}
export const positiveShare: OptionKind = {
  ...share,
  expected: `${share.expected}, above 0`,
  fits: value => share.fits(value) && Number.parseFloat(`${value}`) > 0,
}
export const params: OptionKind = {
  expected: 'values by name',
  fits: value => values.fits(value) && !Array.isArray(value),
}
export const logLevel: OptionKind = {
  expected: `one of ${logLevels.join(', ')}`,
  fits: value => logLevels.some(level => level === value),
}
export const signal: OptionKind = { expected: 'an AbortSignal', fits: value => value instanceof AbortSignal }
export const module: OptionKind = {
  expected: 'the path or the URL of a module',
  fits: value => text.fits(value) || value instanceof URL,
}
export const callback: OptionKind = { expected: 'a function', fits: value => typeof value === 'function' }
