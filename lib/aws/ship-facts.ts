/** The facts that decide whether deployed functions can run shipped code: what their roles, their asset and the state machine were made of. */
import * as v from 'valibot'
import type { PipelineDefinition } from '../define/definition.ts'
import { PermanentError } from '../errors/errors.ts'
import { record } from '../errors/record-schema.ts'
import type { DataOf } from '../model/json-schema.ts'
import { canonicalJson, shortHash } from '../model/run/identity.ts'
import { placesOf } from './places.ts'

const text = v.string()

export const shipFactsSchema = v.object({
  /** `name@version` of the library and of its engine. */
  versions: v.array(text),
  /** Hash of each thing that a deployment gives to a pipeline, by its name in `needs`. */
  needs: record(text, text),
  /** Globs of the files that `ctx.file()` reads. */
  include: v.array(text),
  /** Versions of the packages in the asset that are not bundled. Of shipped code: those that it imports. */
  external: record(text, text),
})
export type ShipFacts = DataOf<typeof shipFactsSchema>

/** Things that a deployment gives to a pipeline, from its definition. */
const needs: Readonly<Record<string, { readonly what: string; of(pipeline: PipelineDefinition): unknown }>> = {
  inputs: {
    what: 'keys to read',
    of: pipeline => {
      const { inputs, datasets, upstream, tables, targets } = places(pipeline)
      return [inputs, datasets, upstream, tables, targets].map(sorted)
    },
  },
  outputs: {
    what: 'keys to write',
    of: pipeline => {
      const { outputs, parts, programs, exchange = '' } = places(pipeline)
      return [outputs, parts, programs.input, programs.output, [exchange]].map(sorted)
    },
  },
  calls: {
    what: 'services to call, with permissions,',
    of: ({ tasks }) =>
      sorted(
        tasks.flatMap(({ source }) =>
          source.kind === 'stateCall' ? [canonicalJson([source.integration, source.permissions])] : [],
        ),
      ),
  },
  secrets: {
    what: 'secrets',
    of: ({ tasks }) => sorted(tasks.flatMap(({ secrets = {} }) => Object.values(secrets)).map(({ name }) => name)),
  },
  discover: { what: 'tasks with discover', of: ({ tasks }) => tasks.some(({ discover }) => discover !== undefined) },
  // The state machine of one task names it; that of several is the same for any tasks.
  tasks: { what: 'tasks', of: ({ tasks }) => (tasks.length === 1 ? tasks.map(({ name }) => name) : 'several') },
}

/** Returns the facts of a pipeline. */
export function shipFactsOf(
  pipeline: PipelineDefinition,
  others: Pick<ShipFacts, 'versions' | 'include' | 'external'>,
): ShipFacts {
  const hashes = Object.entries(needs).map(([name, { of }]) => [name, shortHash(canonicalJson(of(pipeline)))])
  return { needs: Object.fromEntries(hashes), ...others }
}

/** @throws SHIP_NEEDS_DEPLOYMENT with the first thing that the deployed functions do not have as the shipped code needs it; `pipeline` tells which */
export function checkShipFacts(deployed: ShipFacts, shipped: ShipFacts, pipeline?: PipelineDefinition): void {
  const [has, wants] = [deployed, shipped].map(({ versions }) => versions.join(' with '))
  if (has !== wants) throw refusal(`expected code of ${has}, which is deployed, got code of ${wants}`, { has, wants })
  for (const [name, { what, of }] of Object.entries(needs)) {
    if (deployed.needs[name] === shipped.needs[name]) continue
    const wanted = pipeline ? `: ${shortened(canonicalJson(of(pipeline)))}` : ''
    throw refusal(`expected the ${what} of the deployed pipeline, got others${wanted}`, { need: name })
  }
  for (const [name, version] of Object.entries(shipped.external)) {
    const found = deployed.external[name]
    if (found === version) continue
    const message = `expected the package ${name} in the deployed functions in version ${version}, got ${found ?? 'none'}`
    throw refusal(message, { name, version })
  }
}

/** @throws SHIP_NEEDS_DEPLOYMENT for another pipeline than the deployed one */
export function checkShippedName(deployed: string, shipped: string): void {
  if (deployed !== shipped)
    throw refusal(`expected pipeline ${deployed}, which is deployed, got ${shipped}`, { shipped })
}

/** Returns the error for code that runs only after a deployment. */
export function refusal(message: string, detail: Readonly<Record<string, unknown>>): PermanentError {
  return new PermanentError('SHIP_NEEDS_DEPLOYMENT', `shipped code: ${message}; deploy it: npx cdk deploy`, detail)
}

/** Returns places without prefixes, which belong to the deployment. */
const places = (pipeline: PipelineDefinition) => placesOf(pipeline, { inputPrefix: '', outputPrefix: '' })

const sorted = (texts: readonly string[]): readonly string[] => [...new Set(texts)].sort()

const shortened = (json: string): string => (json.length <= shownMax ? json : `${json.slice(0, shownMax)}…`)

/** Characters of the needs that a message shows. */
const shownMax = 300
