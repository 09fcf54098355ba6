/** The name of a run in state files and events. */
import * as v from 'valibot'
import { count } from './json-schema.ts'

export const runNameSchema = v.strictObject({ runId: v.string(), attempt: count })
