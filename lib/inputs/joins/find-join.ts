/** Finds the datasets of both sides of a join. */
import type { JoinSource, PartitionsOfSource } from '../../define/definition.ts'
import { sourceRoot } from '../../define/sources/source-paths.ts'
import { type JoinSide, type JoinStep, joinSides } from '../../define/steps/join-definition.ts'
import { PermanentError } from '../../errors/errors.ts'
import { nearestOrAll } from '../../errors/nearest.ts'
import { keyTypes } from '../../model/key-types.ts'
import type { SchemaColumn } from '../../model/outcome/manifest.ts'
import type { InputObject, PartSlice, SideColumns } from '../../model/plan-data.ts'
import type { FindOptions, FindSource, FoundObjects, FoundSource } from '../find-options.ts'
import { cutKept } from './cut-kept.ts'
import { cutWithWhole, wholeSide } from './cut-whole-side.ts'
import { cutOwn } from './join-nodes.ts'

/**
 * The inputs are those of both sides, each once. Slices name the side, because each side is a stage of its own.
 * @throws as the sides; COLUMN_MISSING, DEFINITION_INVALID for keys that cannot be compared
 */
export async function findJoin(
  source: JoinSource,
  options: FindOptions,
  find: FindSource<PartitionsOfSource>,
): Promise<FoundSource> {
  const [left, right] = await Promise.all([findSide('left'), findSide('right')])
  const empty = [left, right].find(({ found }) => found.memberCount === 0)
  const both = [left.found, right.found] as const
  // The stage that joins reads below the root of outputs, which only a run with two roots has.
  const whole = options.roots && wholeSide(source, both)
  return { found: joinFound(source, options, { all: both, whole }), noInputError: (empty ?? left).noInputError }

  function findSide(side: 'left' | 'right'): Promise<FoundSource> {
    const own = source[side]
    // The task's own condition is on the rows of the join.
    const task = { ...options.task, source: own, where: undefined, transform: [], columns: undefined }
    return find(own, { ...options, task, input: options.roots?.[sourceRoot(own)] ?? options.input })
  }
}

function joinFound(
  source: JoinSource,
  { task }: FindOptions,
  { all, whole }: { readonly all: readonly [left: FoundObjects, right: FoundObjects]; readonly whole?: JoinSide },
): FoundObjects {
  const [left, right] = all
  const isEmpty = all.some(({ memberCount }) => memberCount === 0)
  const isWhole = whole !== undefined && !isEmpty
  const datasets: SideColumns = [left.dataset ?? [], right.dataset ?? []]
  const read = source.isKept || isWhole ? chooseColumns(task.name, source, all) : datasets
  // The columns of sides with a stage of their own are chosen there.
  const sides = source.isKept ? read : datasets
  const kept = source.isKept && !isEmpty ? cutKept(task.name, source, { all, sides }) : undefined
  return {
    inputs: [...new Map([...left.inputs, ...right.inputs].map(input => [input.key, input])).values()],
    cut: chosen => kept ?? (isWhole ? cutWithWhole(all, whole, read) : cutSides(all, chosen)),
    firstStage: isWhole ? joinSides.length : undefined,
    skipped: left.skipped,
    unused: [],
    unreadable: left.unreadable ?? right.unreadable,
    dataset: left.dataset,
    sides,
    keyTypes: isEmpty ? undefined : typesOfKeys(task.name, source, sides),
    // Without any part there are no columns to join.
    memberCount: isEmpty ? 0 : left.memberCount + right.memberCount,
    partsSkipped: (left.partsSkipped ?? 0) + (right.partsSkipped ?? 0),
    bytesIn: left.bytesIn + right.bytesIn,
    bytes: left.bytes + right.bytes,
    release() {
      for (const { release } of all) release()
    },
  }
}

/** Cuts both sides, with slices numbered over both. A dataset may be both sides. */
function cutSides(all: readonly FoundObjects[], chosen: readonly InputObject[]): PartSlice[] {
  const cutSide = (found: FoundObjects, side: number) => cutOwn(found, chosen).map(part => ({ ...part, side }))
  return all.flatMap(cutSide).map((part, slice) => ({ ...part, slice }))
}

function typesOfKeys(task: string, { on }: JoinStep, [left, right]: SideColumns): readonly string[] {
  const typeOf = (side: 'left' | 'right', columns: readonly SchemaColumn[], name: string): SchemaColumn => {
    const found = columns.find(column => column.name === name)
    if (found) return found
    const names = columns.map(column => column.name)
    const message = `task ${task}: joinOf: on: expected a column of the ${side} side, got ${name}; ${nearestOrAll(name, names)}`
    throw new PermanentError('COLUMN_MISSING', message, { task, side, name, names })
  }
  return keyTypes(on.map(key => [typeOf('left', left, key.left), typeOf('right', right, key.right)]))
}

/** Returns the columns of both sides that are read. @throws COLUMN_MISSING for one that the dataset does not have */
function chooseColumns(
  task: string,
  source: JoinSource,
  [left, right]: readonly [FoundObjects, FoundObjects],
): SideColumns {
  const chosen = (side: JoinSide, all: readonly SchemaColumn[] = []): readonly SchemaColumn[] => {
    const { columns } = source[side]
    const names = all.map(({ name }) => name)
    const missing = columns?.find(name => !names.includes(name))
    if (missing === undefined) return columns ? all.filter(({ name }) => columns.includes(name)) : all
    const message = `task ${task}: joinOf: ${side}: columns: expected columns of the dataset, got ${missing}; ${nearestOrAll(missing, names)}`
    throw new PermanentError('COLUMN_MISSING', message, { task, side, missing, columns: names })
  }
  return [chosen('left', left.dataset), chosen('right', right.dataset)]
}
