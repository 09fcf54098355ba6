/** Prepares the conversions of a task: one for each set of columns that its inputs have, which is not known before they are read. */
import { isText } from '../define/formats/format-kind.ts'
import type { SchemaColumn } from '../model/outcome/manifest.ts'
import type { StageColumns } from '../model/stage-columns.ts'
import type { ParquetFooter } from '../parquet/footer.ts'
import { hiveColumns } from '../paths/hive-columns.ts'
import type { StagedFile } from '../stage/staged-file.ts'
import type { Conversion, ConvertJob } from './conversion.ts'
import type { EngineTask } from './engine-task.ts'
import { type ConversionTools, prepareConversion } from './prepare-conversion.ts'
import { exchangeColumns } from './read/exchange-read.ts'
import { joinedColumns } from './read/join-read.ts'
import { sharedColumns } from './read/parquet/describe.ts'
import { type RowGroupFilter, rowGroupFilter } from './read/parquet/row-group-filter.ts'
import type { ReadColumn } from './read/read-columns.ts'
import type { UsedOfFile, UsedOfSides } from './read/used-of-inputs.ts'

export interface TaskConversions {
  /** The conversion that was used last; undefined for a task over Parquet without declared columns until it has read its first file. */
  readonly latest: Conversion | undefined
  /** The columns of the dataset that is read; undefined for other inputs. */
  readonly dataset: readonly SchemaColumn[] | undefined
  /** Prepares the conversion of these inputs. @throws as `prepareConversion` */
  check(inputs: StageColumns): Promise<void>
  /** Returns the conversion of these files. @throws as `prepareConversion`, INPUT_INVALID */
  forFiles(job: Pick<ConvertJob, 'files' | 'sides' | 'usedSides'>): Promise<Conversion>
  /** Returns for each row group of a part of the dataset whether it may have rows that are needed; undefined where all may. */
  rowGroups(footer: ParquetFooter): Promise<readonly boolean[] | undefined>
}

/** Opens the conversions of a task, and prepares one where its columns are declared. @throws as `prepareConversion` */
export async function openConversions(
  task: EngineTask,
  tools: ConversionTools,
  { ofFile, ofSides }: { readonly ofFile: UsedOfFile; readonly ofSides: UsedOfSides },
): Promise<TaskConversions> {
  const { connection } = tools
  const byColumns = new Map<string, Conversion>()
  let latest: Conversion | undefined
  let own: readonly ReadColumn[] | undefined
  let dataset: readonly SchemaColumn[] | undefined
  let filter: RowGroupFilter | undefined
  const prepare = async (inPath: readonly string[]): Promise<Conversion> => {
    const key = JSON.stringify([inPath, dataset, task.join && own])
    latest = byColumns.get(key) ?? (await prepareConversion(task, tools, { inPath, own, dataset }))
    byColumns.set(key, latest)
    return latest
  }
  if (!isUntyped(task) && !task.isCheckedLater) await prepare(task.hive ?? [])
  return {
    get latest() {
      return latest
    },
    get dataset() {
      return dataset
    },
    async check(inputs) {
      if (inputs.dataset && JSON.stringify(inputs.dataset) !== JSON.stringify(dataset)) {
        dataset = inputs.dataset
        filter = mayReject(task) ? undefined : await rowGroupFilter(connection, task.conditions ?? [], dataset)
      }
      if (inputs.exchanged) own = inputs.exchanged
      if (task.join && inputs.sides) own = joinedColumns(task.join, inputs.sides, await ofSides(inputs.sides))
      if (!isUntyped(task) || dataset || own) await prepare(inputs.hive ?? task.hive ?? [])
    },
    async forFiles({ files, sides, usedSides }) {
      if (task.join && sides) own = joinedColumns(task.join, sides, usedSides)
      else if (task.exchangedBy && files.length > 0) {
        const names = files.map(({ file }) => file)
        own ??= await exchangeColumns(connection, names)
      } else if (isUntyped(task) && !dataset)
        own = await sharedColumns(connection, files, { earlier: own, usedColumns: ofFile })
      return prepare(files.length > 0 ? pathColumns(task, files) : (task.hive ?? []))
    },
    rowGroups: async footer => filter?.(footer),
  }
}

/** Returns whether the columns of a task are those of its inputs. */
export const isUntyped = ({ format, columns }: EngineTask): boolean =>
  !isText(format) && Object.keys(columns).length === 0

/** Whether any row may be a reject: then all rows are read, because which rows a row group has depends on how it was written. */
const mayReject = ({ columns, checks = [] }: EngineTask): boolean => Object.keys(columns).length + checks.length > 0

function pathColumns({ columns, readsHive = true }: EngineTask, files: readonly StagedFile[]): readonly string[] {
  if (!readsHive) return []
  const archives = files.flatMap(file => file.members.map(({ archive }) => archive))
  return hiveColumns(archives, Object.keys(columns))
}
