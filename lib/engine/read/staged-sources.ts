/** Makes text sources of staged files, by their format. */
import type { StagedFile } from '../../stage/stage.ts'
import { csvSource } from './csv-source.ts'
import { lineSource } from './line-source.ts'
import { withPathColumns } from './path-columns.ts'
import type { TextSource, TextSourceOptions } from './text-source.ts'

/** Returns one source for each header and newline style among the files. @throws DEFINITION_INVALID for a column both in a path and in its file */
export function textSources(files: readonly StagedFile[], options: TextSourceOptions): TextSource[] {
  const groups = Map.groupBy(
    files.filter(file => file.bytes > 0),
    file => JSON.stringify([file.columns, file.newline, file.isOpen]),
  )
  return [...groups.values()].map(group => withPathColumns(textSource(group, options), group, options))
}

function textSource(files: readonly StagedFile[], options: TextSourceOptions): TextSource {
  const { format } = options
  return format.kind === 'csv' ? csvSource(files, format, options) : lineSource(files, format, options)
}
