/** Names the member or file in messages and errors. */
import { FanmillError, prefixError } from '../errors/errors.ts'

export interface MemberPlace {
  readonly archive: string
  /** Empty for a file that is no archive. */
  readonly member: string
}

/** Returns an archive with its member, or a file, as messages name it. */
export const placeOf = ({ archive, member }: MemberPlace): string =>
  member === '' ? archive : `${archive}, member ${member}`

/** Returns the first of these places, if all are of one member or file; undefined for none, or several. */
export function onlyPlace<Place extends MemberPlace>(places: readonly Place[]): Place | undefined {
  const [first] = places
  return places.every(({ archive, member }) => archive === first?.archive && member === first.member)
    ? first
    : undefined
}

/** Returns an error of Fanmill's that names no place yet with the place before its message, and any other error as it is. */
export function withPlace(error: unknown, place: MemberPlace): unknown {
  if (!(error instanceof FanmillError) || 'archive' in error.detail || 'key' in error.detail) return error
  const { archive, member } = place
  return prefixError(error, placeOf(place), { archive, member })
}
