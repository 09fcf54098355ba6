/** Finds out why a run is necessary: what differs from the last run of the same task and parameters. */
import type { Current } from '../commit/head.ts'
import type { ManifestRun } from '../model/outcome/manifest.ts'
import { changedParts } from '../model/run/code-parts.ts'
import { canonicalJson, type UpstreamIdentity } from '../model/run/identity.ts'
import { nodeIdOf } from '../model/run/node-name.ts'
import type { RunReason } from '../model/run/reason.ts'
import { isDamaged, readUndamaged } from '../state/damaged-state.ts'
import { type RunRecord, readRunRecord, runKeys } from '../state/state.ts'
import type { Store } from '../store/store.ts'
import type { DesiredRun } from './desired-run.ts'
import type { ReserveRequest } from './reserve-request.ts'

/** Returns the reasons, at least one. Reads at most one file: the record of the last run. */
export async function whyRun(
  store: Store,
  request: ReserveRequest,
  { current, desired }: { readonly current: Current; readonly desired: DesiredRun },
): Promise<readonly RunReason[]> {
  const { manifest, hasSuccess } = current
  if (request.force) return [{ kind: 'forced', text: 'forced' }]
  if (!manifest) return [{ kind: 'neverRun', text: request.isSalted ? 'first run with this code' : 'first run' }]
  if (!hasSuccess) return [{ kind: 'output', text: '_SUCCESS is gone' }]
  if (request.isTargetMissing) return [{ kind: 'output', text: 'its target is gone' }]
  const last = manifest.runs.findLast(run => isSameNode(run, request))
  if (!last) return [otherNode(request, manifest.runs)]
  const record = await readUndamaged(store, runKeys(last).run, readRunRecord)
  const before = record && !isDamaged(record) ? record : undefined
  const others = [...inputReasons(request, last, desired), ...upstreamReasons(request, before)]
  const found = [...codeReasons(request, last, { before, others }), ...others]
  return found.length > 0 ? found : [{ kind: 'output', text: `${request.outputPath} has rows of other runs` }]
}

const isSameNode = (run: ManifestRun, { task, params }: ReserveRequest): boolean =>
  run.task === task && canonicalJson(run.params) === canonicalJson(params)

function otherNode({ task, params }: ReserveRequest, runs: readonly ManifestRun[]): RunReason {
  if (!runs.some(run => run.task === task)) return { kind: 'neverRun', text: 'first run' }
  return { kind: 'params', text: `first run with these parameters: ${nodeIdOf(task, params)}` }
}

function codeReasons(
  { codeHash, codeParts, mode }: ReserveRequest,
  last: ManifestRun,
  { before, others }: { readonly before: RunRecord | undefined; readonly others: readonly RunReason[] },
): readonly RunReason[] {
  // An append reads what is new, whatever code read the rest.
  if (codeHash === last.codeHash || mode === 'append') return []
  const parts = codeParts && before?.codeParts ? changedParts(before.codeParts, codeParts) : []
  // The definition of a task names those that it requires, whose code is then part of its own.
  if (parts.length === 0 && others.some(({ kind }) => kind === 'upstream')) return []
  const what = parts.length > 0 ? parts.join(', ') : 'what the task uses, or the version of fanmill'
  return [{ kind: 'code', text: `code changed: ${what}` }]
}

/** Compares inputs by key. A key `{output}#{run}` is a run of a dataset that the source reads. */
function inputReasons(
  { inputs, mode, inputNoun = 'inputs', reads }: ReserveRequest,
  last: ManifestRun,
  desired: DesiredRun,
): readonly RunReason[] {
  if (mode === 'append')
    return desired.inputs.length > 0 ? [inputReason(desired.inputs.length, inputs.length, reads, inputNoun)] : []
  const before = new Map(last.inputs.map(({ key, identity, sizeBytes }) => [key, `${sizeBytes} ${identity}`]))
  const changed = inputs.filter(({ key, identity, sizeBytes }) => before.get(key) !== `${sizeBytes} ${identity}`).length
  const gone = last.inputs.length - inputs.filter(({ key }) => before.has(key)).length
  if (changed > 0) return [inputReason(changed, inputs.length, reads, inputNoun)]
  if (gone === 0) return []
  return [
    reads
      ? upstreamReason([reads])
      : { kind: 'input', text: `input changed: ${gone} of ${last.inputs.length} ${inputNoun} are gone` },
  ]
}

function inputReason(count: number, of: number, reads: string | undefined, noun: string): RunReason {
  return reads ? upstreamReason([reads]) : { kind: 'input', text: `input changed: ${count} of ${of} ${noun}` }
}

function upstreamReasons({ upstream = [] }: ReserveRequest, before: RunRecord | undefined): readonly RunReason[] {
  const now = byNode(upstream)
  const then = byNode(before?.upstream ?? [])
  const changed = [...new Set([...now.keys(), ...then.keys()])].filter(node => now.get(node) !== then.get(node))
  return changed.length > 0 ? [upstreamReason(changed)] : []
}

function byNode(upstream: readonly UpstreamIdentity[]): ReadonlyMap<string, string> {
  const groups = Map.groupBy(upstream, ({ node }) => node)
  return new Map(
    Array.from(groups, ([node, all]) => [
      node,
      all
        .map(({ key, identity }) => `${key} ${identity}`)
        .sort()
        .join(),
    ]),
  )
}

const shownMax = 3

function upstreamReason(nodes: readonly string[]): RunReason {
  const more = nodes.length > shownMax ? ` and ${nodes.length - shownMax} more` : ''
  return { kind: 'upstream', text: `upstream changed: ${nodes.slice(0, shownMax).join(', ')}${more}` }
}
