/** How the nodes of a walk ended on a laptop, for `status` and `rejects`: the content of walk.json, and which walk was the last. */
import * as v from 'valibot'
import type { ErrorCode } from '../errors/errors.ts'
import { count, type DataOf } from '../model/json-schema.ts'
import { formatVersion, paramsSchema } from '../model/outcome/manifest.ts'
import { reasonSchema } from '../model/run/reason.ts'
import { reader } from '../state/state.ts'
import { stateRoot } from '../store/state-root.ts'

const endedNodeSchema = v.object({
  /** Task and parameters, such as `flights(month=2001-01)`. */
  node: v.string(),
  task: v.string(),
  params: paramsSchema,
  /** `skipped`: it was complete already. `notRun`: a node that it requires failed, or the command was stopped. */
  state: v.picklist(['complete', 'skipped', 'failed', 'notRun']),
  /** Absent where no run was begun. */
  runId: v.optional(v.string()),
  reasons: v.optional(v.array(reasonSchema)),
  seconds: v.optional(v.number()),
  /** Rows of the run; of a node that was `skipped`, those of its dataset. */
  rowsWritten: count,
  rowsRejected: count,
  /** Why it failed. */
  error: v.optional(
    v.object({ code: v.optional(v.custom<ErrorCode>(code => typeof code === 'string')), message: v.string() }),
  ),
  /** The failed node because of which it was not run. */
  blockedBy: v.optional(v.string()),
})
/** A node of the last command, and how it ended. */
export type EndedNode = DataOf<typeof endedNodeSchema>

const endedWalkSchema = v.object({ fanmill: v.literal(formatVersion), nodes: v.array(endedNodeSchema) })

/** The key of the file that names the walk that ended last. */
export const lastWalkKey = `${stateRoot}graphs/last-walk.json`

const lastWalkSchema = v.object({
  fanmill: v.literal(formatVersion),
  graph: v.string(),
  /** ISO 8601; the walk ended then. */
  at: v.string(),
})

/** Each reads one kind of file. @throws STATE_INVALID */
export const readEndedWalk = reader(endedWalkSchema)
export const readLastWalk = reader(lastWalkSchema)
