/** What a thread says of its work: lines know where they come from, and repeats are folded before they cross. */

import type { ShareJob } from '../model/share.ts'
import type { WorkerMessage } from '../model/worker-job.ts'
import type { StagedMember } from '../stage/stage.ts'
import { hasMember } from '../zip/member-rows.ts'
import { foldRepeats } from './fold-repeats.ts'

type LogMessage = Extract<WorkerMessage, { readonly kind: 'log' }>
type Place = Pick<LogMessage, 'slice' | 'archive' | 'member'>

export interface ThreadLog {
  /** Lines are told with their place; other messages as they are. */
  tell(message: WorkerMessage): void
  /** A share begins. */
  enter(job: ShareJob): void
  /** Rows of these staged files go through the user's functions from now on. */
  converting(files: readonly { readonly members: readonly StagedMember[] }[]): void
  /** Tells how often lines were repeated: when a job ends. */
  flush(): void
}

/** A place is named as far as it is one: rows of several members are converted together, but for functions that ask for the member. */
export function createThreadLog(tell: (message: WorkerMessage) => void): ThreadLog {
  const folder = foldRepeats<LogMessage>(tell)
  let job: ShareJob | undefined
  let place: Place = {}
  return {
    tell(message) {
      if (message.kind !== 'log') return tell(message)
      const { archive, member } = message
      folder.add({ ...place, ...(member === undefined ? {} : placeIn(job, { member, archive })), ...message })
    },
    enter(next) {
      job = next
      place = placeIn(job, {})
    },
    converting(files) {
      const origins = files.flatMap(file => file.members)
      const [first] = origins
      const isOne =
        first && origins.every(({ archive, member }) => archive === first.archive && member === first.member)
      place = placeIn(job, isOne ? { archive: first.archive, member: first.member } : {})
    },
    flush: () => folder.flush(),
  }
}

/** The slice is that of the member, or the only one that there is. */
function placeIn(
  job: ShareJob | undefined,
  { archive, member }: { readonly archive?: string | undefined; readonly member?: string },
): Place {
  const named = { ...(archive !== undefined && { archive }), ...(member && { member }) }
  const slices = (job?.slices ?? []).filter(slice => {
    if (archive !== undefined && job?.inputs[slice.input]?.key !== archive) return false
    return !member || (slice.kind === 'members' && hasMember(slice, member))
  })
  const slice = job?.staged?.slice ?? (slices.length === 1 ? slices[0]?.slice : undefined)
  return { ...(slice !== undefined && { slice }), ...named }
}
