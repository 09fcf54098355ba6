/** Sends the log lines of a thread: adds slice, archive and member, and folds repeats. */

import { onlyPlace } from '../../model/member-place.ts'
import type { ShareJob } from '../../model/share.ts'
import type { WorkerMessage } from '../../model/worker-job.ts'
import type { StagedMember } from '../../stage/staged-file.ts'
import { hasMember } from '../../zip/member-rows.ts'
import { foldRepeats } from './fold-repeats.ts'

type LogMessage = Extract<WorkerMessage, { readonly kind: 'log' }>
type Place = Pick<LogMessage, 'slice' | 'archive' | 'member'>

export type ThreadLog = ReturnType<typeof createThreadLog>

/** Rows of several members are converted together: a line names the member only when all rows come from one. */
export function createThreadLog(send: (message: WorkerMessage) => void) {
  const folder = foldRepeats<LogMessage>(send)
  let job: ShareJob | undefined
  let place: Place = {}
  return {
    /** Sends a message; log lines get the place that they come from. */
    send(message: WorkerMessage) {
      if (message.kind !== 'log') return send(message)
      const { archive, member } = message
      folder.add({ ...place, ...(member !== undefined && placeIn(job, { member, archive })), ...message })
    },
    /** Lines of the following work come from this share. */
    beginShare(next: ShareJob): void {
      job = next
      place = placeIn(job, {})
    },
    /** Lines of the following work come from rows of these staged files. */
    beginConversion(files: readonly { readonly members: readonly StagedMember[] }[]): void {
      const only = onlyPlace(files.flatMap(file => file.members))
      place = placeIn(job, only ? { archive: only.archive, member: only.member } : {})
    },
    /** Sends the counts of repeated lines, at the end of a job. */
    flush: folder.flush,
  }
}

/** Returns the place of a line; its slice is the slice of the member, or the only slice of the job. */
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
