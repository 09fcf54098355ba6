/** Entry of a worker thread on this machine: `worker.ts`, of which the published package keeps the compiled code. */
export { rest, work } from './worker.ts'
