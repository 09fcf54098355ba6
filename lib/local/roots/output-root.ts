/** Finds the output root of a run from its options. */
import type { StoreSpec } from '../../store/open-store.ts'
import { defaultOutput, rootSpec, specBelow } from '../../store/roots.ts'
import { stateRoot } from '../../store/state-root.ts'
import type { RunOptions } from '../options/run-options.ts'

/** Returns the output root; a sample has one of its own, so that it never touches the real output. */
export function outputRoot({ output = defaultOutput, sample, ...access }: RunOptions): StoreSpec {
  const spec = rootSpec(output, access)
  return sample === undefined ? spec : specBelow(spec, `${stateRoot}sample`)
}
