import { describe, expect, it } from 'vitest'
import { codeHasher, type TaskCode } from '../../lib/bundle/code-hash.ts'

const module = `
import { task, pipeline, parquet } from 'fanmill'
import { parse } from 'npm:dates@1.0.0/index.js'
const FOUR = 4
function season(month) { return month % FOUR }
const round = ({ delay, late = 0 }) => Math.round(delay - late)
const lake = parquet({ path: '{task}' })
const flights = task({ name: 'flights', output: lake, map: row => ({ ...row, season: season(parse(row.date)) }) })
const delays = task({ name: 'delays', output: lake, map: row => round(row) })
var main_default = pipeline({ name: 'flights', tasks: [flights, delays] })
export { main_default as default, flights }
`

describe('a task code hash', () => {
  it('changes when a function that the task uses changes', () => {
    expectChanged(module.replace('month % FOUR', 'month + FOUR'), 'flights')
  })

  it('changes when a constant behind that function changes', () => {
    expectChanged(module.replace('FOUR = 4', 'FOUR = 5'), 'flights')
  })

  it('changes with a shared output', () => {
    const edited = module.replace("'{task}'", "'lake/{task}'")
    expectChanged(edited, 'flights')
    expectChanged(edited, 'delays')
  })

  it('changes with the version of a package that the task uses, and only then', () => {
    const edited = module.replace('dates@1.0.0', 'dates@1.0.1')
    expectChanged(edited, 'flights')
    expectKept(edited, 'delays')
  })

  it('stays the same when a sibling task changes, or code that only that one uses', () => {
    expectKept(module.replace('row => round(row)', 'row => round(row) + 1'), 'flights')
    expectKept(module.replace('late = 0', 'late = 1'), 'flights')
    expectChanged(module.replace('late = 0', 'late = 1'), 'delays')
  })

  it('stays the same when comments, blank lines or the order of declarations change', () => {
    const [first, second] = ['const FOUR = 4\n', 'function season(month) { return month % FOUR }\n']
    expectKept(
      module.replace(first + second, `/* how many */ ${second}\n\n${first}`).replaceAll(/\/\*.*\*\//g, ''),
      'flights',
    )
  })

  it('stays the same when a bundler renames variables because of others', () => {
    expectKept(module.replaceAll('row', 'row2').replaceAll('season(', 'season3('), 'flights')
    expectKept(module.replaceAll('delay,', 'delay:delay2,').replace('round(delay ', 'round(delay2 '), 'delays')
  })

  it('changes when two parameters change places', () => {
    const minus = "const f = (a, b) => a - b\nconst t = task({ name: 't', f })"
    expect(hash(minus.replace('a - b', 'b - a'), 't')).not.toBe(hash(minus, 't'))
  })

  it('does not confuse a property with a variable of the same name', () => {
    const text = "const late = 1\nconst t = task({ name: 't', f: row => row.late })\nexport { t }"
    expect(hash(text.replace('late = 1', 'late = 2'), 't')).toBe(hash(text, 't'))
    const used = text.replace('row.late', 'row[late]')
    expect(hash(used.replace('late = 1', 'late = 2'), 't')).not.toBe(hash(used, 't'))
  })

  it('changes with statements that have effects on load, and with code that they use', () => {
    const edited = `${module}\nconst zone = 'UTC'\nglobalThis.zone = zone`
    expectChanged(edited, 'flights')
    expect(hash(edited.replace('UTC', 'CET'), 'flights')).not.toBe(hash(edited, 'flights'))
  })

  it('finds a task that is made inline, in the list of its pipeline', () => {
    const text = `import { task, pipeline } from 'fanmill'
const a = 1, b = 2
var d = pipeline({ name: 'p', tasks: [task({ name: 'x', a }), task({ name: 'y', b })] })
export { d as default }`
    const position = { index: 0, count: 2 }
    expect(hash(text.replace('b = 2', 'b = 3'), 'x', { position })).toBe(hash(text, 'x', { position }))
    expect(hash(text.replace('a = 1', 'a = 3'), 'x', { position })).not.toBe(hash(text, 'x', { position }))
  })

  it('takes the steps that are chained to a task in the list, and not those of its neighbour', () => {
    const text = `import { task, pipeline } from 'fanmill'
const a = 1, b = 2
var d = pipeline({ name: 'p', tasks: [task({ name: 'x' }).sql\`select 1\`.mapRows(() => a), task({ name: 'y' }).sql\`select 2\`.mapRows(() => b)] })
export { d as default }`
    for (const [from, to] of [
      ['a = 1', 'a = 3'],
      ['select 1', 'select 3'],
    ] as const) {
      expect(hash(text.replace(from, to), 'x')).not.toBe(hash(text, 'x'))
      expect(hash(text.replace(from, to), 'y')).toBe(hash(text, 'y'))
    }
  })

  it('finds a task that a factory makes, by its position in the list', () => {
    const text = `import { task, pipeline } from 'fanmill'
const make = (name, rate) => task({ name, rate })
var d = pipeline({ name: 'p', tasks: [make('x', 1), make('y', 2)] })
export { d as default }`
    const position = { index: 0, count: 2 }
    expect(hash(text.replace("'y', 2", "'y', 3"), 'x', { position })).toBe(hash(text, 'x', { position }))
    expect(hash(text.replace("'x', 1", "'x', 3"), 'x', { position })).not.toBe(hash(text, 'x', { position }))
    expect(hash(text.replace('({ name, rate })', '({ name, rate, strict: false })'), 'x', { position })).not.toBe(
      hash(text, 'x', { position }),
    )
  })

  it('follows a wrapper around the task', () => {
    const text = `import { task } from 'fanmill'
const strictly = made => ({ ...made, strict: true })
const x = strictly(task({ name: 'x' }))
export { x as other }`
    expect(hash(text.replace('true', 'false'), 'x')).not.toBe(hash(text, 'x'))
  })

  it('is that of the whole bundle for a task made in a loop', () => {
    const text = `import { task, pipeline } from 'fanmill'
const tasks = ['x', 'y'].map(name => task({ name }))
var d = pipeline({ name: 'p', tasks })
const unused = 1
export { d as default }`
    const position = { index: 0, count: 2 }
    expect(hash(text.replace('unused = 1', 'unused = 2'), 'x', { position })).not.toBe(hash(text, 'x', { position }))
  })

  it('is that of the version alone where the task has one', () => {
    const version = { version: '3' }
    expect(hash(module.replace('FOUR = 4', 'FOUR = 5'), 'flights', version)).toBe(hash(module, 'flights', version))
    expect(hash(module, 'flights', { version: '4' })).not.toBe(hash(module, 'flights', version))
  })

  it('changes with the versions that are passed beside the code', () => {
    expect(hash(module, 'flights', { versions: ['fanmill@0.2.0'] })).not.toBe(
      hash(module, 'flights', { versions: ['fanmill@0.1.0'] }),
    )
  })
})

function hash(text: string, task: string, code: Partial<TaskCode> = {}): string {
  return codeHasher(text)({ task, ...code })
}

function expectKept(edited: string, task: string): void {
  expect(edited).not.toBe(module)
  expect(hash(edited, task)).toBe(hash(module, task))
}

function expectChanged(edited: string, task: string): void {
  expect(edited).not.toBe(module)
  expect(hash(edited, task)).not.toBe(hash(module, task))
}
