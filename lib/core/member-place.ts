/** Where something was found, as messages say it. */

/** An archive with its member, or a file, whose `member` is empty. */
export const placeOf = ({ archive, member }: { readonly archive: string; readonly member: string }): string =>
  member === '' ? archive : `${archive}, member ${member}`
