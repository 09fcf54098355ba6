/** Names the inputs of a source, for messages. */
import type { Source } from '../define/definition.ts'

/** Returns the word for several inputs of a source, such as `archives`. */
export const inputNounOf = ({ kind }: Source): string => nouns[kind] ?? 'inputs'

const nouns: { readonly [Kind in Source['kind']]?: string } = {
  zipMembers: 'archives',
  files: 'files',
  rowsFrom: 'partitions',
  program: 'commands',
  stateCall: 'calls',
}
