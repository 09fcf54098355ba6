/** A node that another one requires, as the steps of that other one need it. */
import type { ParamValues } from '../../define/definition.ts'

export interface UpstreamNode {
  /** The id of the node, such as `flights(month=2001-01)`. */
  readonly node: string
  /** The name under which the task requires it: the key of a record, or the name of the required task. */
  readonly name: string
  readonly task: string
  readonly params: ParamValues
  /** Path of its dataset below the output root. */
  readonly outputPath: string
}

/** Files of an external task under given parameters. */
export interface ExternalTarget {
  /** The id of the external task with its parameters, such as `bookings(month=2001-01)`. */
  readonly node: string
  /** The path of a flag file under the input root, or a glob. */
  readonly path: string
  readonly isGlob: boolean
}
