/** Where something was found, as messages say it. */
import { FanmillError } from '../errors/errors.ts'

export interface MemberPlace {
  readonly archive: string
  readonly member: string
}

/** An archive with its member, or a file, whose `member` is empty. */
export const placeOf = ({ archive, member }: MemberPlace): string =>
  member === '' ? archive : `${archive}, member ${member}`

/** An error of Fanmill's with the place before its message; one that names a place already, and any other error, as it is. */
export function withPlace(error: unknown, place: MemberPlace): unknown {
  if (!(error instanceof FanmillError) || 'archive' in error.detail || 'key' in error.detail) return error
  const { archive, member } = place
  const { code, message, detail, publicMessage } = error
  const where = placeOf(place)
  const Kind = error.constructor as typeof FanmillError
  return new Kind(
    code,
    `${where}: ${message}`,
    { ...detail, archive, member },
    { cause: error, publicMessage: publicMessage && `${where}: ${publicMessage}` },
  )
}
