/** Finds the record at which a transform fails, or whose partition cannot be named, so that an error can name its line. */
import { rmSync } from 'node:fs'
import { isText } from '../define/formats/format-kind.ts'
import { quoteText } from '../duckdb/quote.ts'
import { type FanmillError, prefixError } from '../errors/errors.ts'
import { isRowFault } from '../errors/row-fault.ts'
import { placeOf } from '../model/member-place.ts'
import type { Conversion, ConvertJob } from './conversion.ts'
import { convert } from './convert.ts'
import { sourcesOf } from './read/careful-input.ts'

/**
 * Converts ever fewer records of one member, by halving: about twenty conversions for a million records. The fault is
 * that of the first record with which the conversion fails; undefined when the whole member does not fail.
 */
export async function findFault(
  conversion: Conversion,
  job: Omit<ConvertJob, 'isCareful'>,
): Promise<FanmillError | undefined> {
  const member = job.files[0]?.members[0]
  if (!member) return undefined
  const isLocated = isText(conversion.format)
  let fault = await faultOf(conversion, { ...job, isCareful: isLocated })
  if (!fault) return undefined
  const { archive, member: name } = member
  const place = placeOf(member)
  if (!isLocated) return prefixError(fault, place, { archive, member: name })
  let [passes, fails] = [member.firstRecord - 1, member.firstRecord + member.records - 1]
  while (fails - passes > 1) {
    const middle = Math.floor((passes + fails) / 2)
    const earlier = await faultOf(conversion, { ...job, isCareful: true, lastRecord: middle })
    if (earlier) [fault, fails] = [earlier, middle]
    else passes = middle
  }
  const line = await lineOf(conversion, job, fails)
  return prefixError(fault, `${place}, line ${line}`, { archive, member: name, line, record: fails })
}

/** Converts as a trial and returns its fault, if a row is the cause. */
async function faultOf(conversion: Conversion, job: ConvertJob): Promise<FanmillError | undefined> {
  try {
    await convert(conversion, { ...job, isTrial: true })
    return undefined
  } catch (error) {
    if (isRowFault(error)) return error
    throw error
  } finally {
    for (const path of [job.target, `${job.target}.parquet`, `${job.target}.rejects`])
      rmSync(path, { recursive: true, force: true })
  }
}

async function lineOf(conversion: Conversion, { files }: Pick<ConvertJob, 'files'>, record: number): Promise<number> {
  const [source] = sourcesOf(conversion, { files }, 'ignore')
  if (!source) return 0
  const reader = await conversion.connection.runAndReadAll(
    `SELECT _fanmill_line FROM ${source.from} WHERE _fanmill_record = ${quoteText(String(record))} LIMIT 1`,
  )
  return Number(reader.getRows()[0]?.[0] ?? 0)
}
