/** Finds what a task does that acts instead of reading rows, and whether its target is there. */

import { checkJsonValues, type JsonValue } from '../define/json-value.ts'
import type { ActionSource, ProgramSource, StateCallSource } from '../define/tasks/action-definition.ts'
import { hasGlob } from '../define/template-syntax.ts'
import { PermanentError } from '../errors/errors.ts'
import { type Action, actionText, type CallAction, type ProgramAction } from '../model/action.ts'
import { canonicalJson } from '../model/run/identity.ts'
import { pathValues } from '../model/run/output-path.ts'
import { renderPath, templateGlob } from '../paths/path-template.ts'
import { type FindOptions, type FoundObjects, noMembers, textInput } from './find-options.ts'
import { targetObjects } from './identity/target-identity.ts'
import { readGiven, readValues } from './read-values.ts'

/** The action is the only input: the run's id is made of it. @throws SOURCE_FAILED when a function of the definition fails */
export async function findAction(source: ActionSource, options: FindOptions): Promise<FoundObjects> {
  const action = await actionOf(source, options)
  const value = action as unknown as JsonValue
  const there = action.target ? await targetObjects(options.input, action.target) : undefined
  return {
    inputs: [textInput(actionText(action), canonicalJson(action))],
    cut: inputs => inputs.map((_, input) => ({ kind: 'item', slice: input, input, value, bytes: 1 })),
    memberCount: 1,
    ...noMembers,
    bytesIn: 0,
    bytes: 0,
    isTargetMissing: there?.length === 0,
  }
}

type Place = Pick<FindOptions, 'task' | 'params'>

/** Returns what a task does under the parameters of a run. */
async function actionOf(source: ActionSource, place: Place): Promise<Action> {
  const { target, waitSeconds } = source
  const common = { target: target && targetUnder(target.path, place), waitSeconds }
  return source.kind === 'program' ? programOf(source, common, place) : callOf(source, common, place)
}

type Common = Pick<Action, 'target' | 'waitSeconds'>

function targetUnder(path: string, { task, params }: Place): NonNullable<Action['target']> {
  const values = pathValues(task.name, params)
  const isGlob = hasGlob(path)
  return { path: isGlob ? templateGlob(path, values) : renderPath(path, values), isGlob }
}

async function programOf(source: ProgramSource, common: Common, place: Place): Promise<ProgramAction> {
  const given = await readValues(source.command, { source: 'programTask', option: 'command' }, place)
  const command = checkTexts('command', given, place)
  const environment = (await readObject('environment', source.environment ?? {}, place)) as Record<string, string>
  checkTexts('environment', Object.values(environment), place)
  return { kind: 'program', command, environment, ...common }
}

async function callOf(source: StateCallSource, common: Common, place: Place): Promise<CallAction> {
  const given = await readObject('arguments', source.arguments, place)
  return { kind: 'stateCall', integration: source.integration, arguments: given, ...common }
}

/** Returns the value itself, or what the function returns. */
function readObject(
  option: string,
  given: object | ((params: never) => unknown),
  { task, params }: Place,
): Promise<Readonly<Record<string, unknown>>> {
  return readGiven({ task: task.name, option }, async () => {
    const found = typeof given === 'function' ? await given(params as never) : given
    if (typeof found !== 'object' || found === null || Array.isArray(found))
      throw new TypeError(`expected an object, got ${Array.isArray(found) ? 'a list' : typeof found}`)
    checkJsonValues(`${task.name}: ${option}`, [found])
    return found as Readonly<Record<string, unknown>>
  })
}

function checkTexts(option: string, values: readonly unknown[], { task }: Place): readonly string[] {
  const other = values.find(value => typeof value !== 'string')
  if (other === undefined && (option !== 'command' || values[0])) return values as readonly string[]
  const expected = option === 'command' ? 'the program and its arguments as strings' : 'strings'
  throw new PermanentError(
    'SOURCE_FAILED',
    `task ${task.name}: ${option}: expected ${expected}, got ${JSON.stringify(other ?? values)}`,
    { task: task.name, option },
  )
}
