/** A node as graphs are drawn, with its state. */
import type { GraphNode } from './graph.ts'

/**
 * `due`: a run of the graph would run it. `running`, `failed` and `interrupted` say how its last attempt stands, which a run would
 * wait for or resume.
 */
export type DrawnState = 'complete' | 'due' | 'running' | 'failed' | 'interrupted'

export interface DrawnNode extends Pick<GraphNode, 'key' | 'requires'> {
  readonly state: DrawnState
  /** Why it is due; empty where it is not. */
  readonly why: string
}

/** Colours of the states: fill and border. */
export const stateColours: Readonly<Record<DrawnState, readonly [fill: string, border: string]>> = {
  complete: ['#d7f0d9', '#3b8a4a'],
  due: ['#eef1f5', '#7a8699'],
  running: ['#d6e8fb', '#2f74c0'],
  failed: ['#fbdcdc', '#c03a3a'],
  interrupted: ['#fdeccf', '#b9801e'],
}
