/** Defines the schema of names of tasks and pipelines. */
import * as v from 'valibot'

/** The schema of task and pipeline names, which become parts of paths and of cloud resources' names. */
export const definitionName = v.pipe(
  v.string('a name'),
  v.regex(/^[a-z0-9][a-z0-9-]*$/, 'a name of lower case letters, digits and hyphens'),
)
