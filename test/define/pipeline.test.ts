import { expect, it } from 'vitest'
import { column, csv, param, parquet, pipeline, task, zipMembers } from '../../lib/define/index.ts'

/** A task of one name and output path, with parameters that paths may use. */
function named(name: string, path: string) {
  const all = { month: param.month(), day: param.date(), carrier: param.string() }
  const params = Object.fromEntries(Object.entries(all).filter(([param]) => path.includes(`{${param}}`)))
  const source = zipMembers({ paths: 'in/*.zip', format: csv() })
  return task({ name, params, source, columns: { a: column.string() }, output: parquet({ path }) })
}

it('is plain, frozen data', () => {
  const tasks = [named('a', '{task}')]
  const flights = pipeline({ name: 'flights', tasks })
  expect(flights).toEqual({ kind: 'pipeline', name: 'flights', tasks })
  expect(Object.isFrozen(flights) && Object.isFrozen(flights.tasks)).toBe(true)
})

it('knows the module that defined it, but does not print it', () => {
  const tasks = [named('a', '{task}')]
  expect(pipeline({ name: 'flights', tasks }).module).toBe(import.meta.url)
  expect(pipeline({ name: 'flights', tasks, module: 'file:///x.ts' }).module).toBe('file:///x.ts')
  expect(JSON.stringify(pipeline({ name: 'flights', tasks }))).not.toContain('module')
})

it('keeps a trigger whose placeholders are parameters', () => {
  const tasks = [named('a', '{task}/{month}')]
  expect(pipeline({ name: 'x', tasks, trigger: { upload: 'in/{month}/*.zip' } }).trigger).toEqual({
    upload: 'in/{month}/*.zip',
  })
  expect(() => pipeline({ name: 'x', tasks, trigger: { upload: 'in/{mnth}/*.zip' } })).toThrow(
    'pipeline x: trigger.upload: expected a placeholder of month, got {mnth}, did you mean month',
  )
})

it.each<[string, Readonly<Record<string, unknown>>, string]>([
  ['no tasks', { tasks: [] }, 'pipeline x: tasks: expected at least one task'],
  ['a task that is none', { tasks: ['a'] }, 'pipeline x: tasks.0: expected task({ … }), got "a"'],
  [
    'a name twice',
    { tasks: [named('a', '{task}'), named('a', 'b')] },
    'pipeline x: tasks: expected names that differ, got a twice',
  ],
  ['a misspelt option', { task: [] }, 'pipeline x: task: unknown option, did you mean tasks'],
  ['a name with spaces', { name: 'My pipeline' }, 'digits and hyphens such as my-pipeline, got "My pipeline"'],
  [
    'a name in camel case',
    { name: 'perUser' },
    'name of lower case letters, digits and hyphens such as per-user, got "perUser"',
  ],
  ['a name of other letters', { name: 'Ü' }, 'a name of lower case letters, digits and hyphens, got "Ü"'],
])('refuses %s', (_, changes, message) => {
  const build = () => pipeline({ name: 'x', tasks: [named('a', '{task}')], ...changes })
  expect(build).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID' }))
  expect(build).toThrow(message)
})

it.each([
  ['out', 'out'],
  ['out', 'out/b'],
  ['out/{month}', 'out/{carrier}'],
  ['out/{month}', 'out/2024-01'],
  ['out/{task}', 'out/a/x'],
  ['{carrier}', 'fixed/{month}'],
  ['out/x{carrier}', 'out/xy{month}'],
])('refuses outputs that may be equal or nested: %s and %s', (one, other) => {
  const build = () => pipeline({ name: 'x', tasks: [named('a', one), named('b', other)] })
  expect(build).toThrow(expect.objectContaining({ code: 'OUTPUT_AMBIGUOUS' }))
  expect(build).toThrow('put {task} in the path')
})

it.each([
  ['{task}', '{task}'],
  ['{task}/{month}', '{task}/{month}'],
  ['out/{month}', 'out/static'],
  ['out/a-{carrier}', 'out/b-{carrier}'],
  ['out/{salt}', 'out/{salt}'],
  ['out/x', 'out/xy'],
])('takes outputs that stay apart: %s and %s', (one, other) => {
  expect(() => pipeline({ name: 'x', tasks: [named('a', one), named('b', other)] })).not.toThrow()
})
