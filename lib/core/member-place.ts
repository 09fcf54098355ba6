/** Where something was found, as messages say it. */
import { FanmillError, PermanentError } from './errors.ts'

/** An archive and its member, or a file, whose `member` is empty. */
export interface MemberPlace {
  readonly archive: string
  readonly member: string
}

/** An archive with its member, or a file, whose `member` is empty. */
export const placeOf = ({ archive, member }: MemberPlace): string =>
  member === '' ? archive : `${archive}, member ${member}`

/** Runs a function that reads bytes, and names the archive and member in the fault that it throws. */
export function atPlace<T>(place: MemberPlace | undefined, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (place === undefined || !(error instanceof FanmillError)) throw error
    const { archive, member } = place
    const message = `${placeOf(place)}: ${error.message}`
    throw new PermanentError(error.code, message, { ...error.detail, archive, member }, { cause: error })
  }
}
