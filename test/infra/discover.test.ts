/** A pipeline with a task that finds out what it requires. */
import { expect, it } from 'vitest'
import { headKey } from '../../lib/commit/head.ts'
import { isAllowed, permissionsOf } from './policy.ts'
import { allowed, pipelineFile, statementsOf, synthesise } from './stacks.ts'

it('lets Graph read inputs and datasets, but change nothing but graphs, and Process read what was found out', () => {
  const { template } = synthesise({ entry: pipelineFile('discovering.ts'), include: [] })
  const graph = allowed(template, 'VisitsGraphRole').join('\n')
  expect(graph).toMatch(/s3:GetObject .*visits\/\*/)
  expect(graph).toMatch(/s3:GetObject .*lake\/visits\/\*/)
  expect(graph).toMatch(/s3:GetObject .*lake\/first/)
  const written = graph.split('\n').filter(pair => /^s3:(?!Get|List)/.test(pair))
  expect(written).toEqual([expect.stringMatching(/^s3:PutObject .*\.fanmill\/graphs\/\*$/)])
  expect(allowed(template, 'VisitsProcess1Role').join('\n')).toMatch(/s3:GetObject .*\.fanmill\/graphs\/discovered\/\*/)
})

it('lets Graph open a dataset by its path, whose head is looked for in each folder up to the output root', () => {
  const { template } = synthesise({ entry: pipelineFile('discovering.ts'), include: [], outputPrefix: 'out/' })
  const statements = statementsOf(template, 'VisitsGraphRole').map(statement => ({
    ...statement,
    Resource: statement.Resource.map(resource => resource.replace(/<VisitsOutput\w+\.Arn>/, 'arn:aws:s3:::outb')),
  }))
  const deniedAt = (root: string, path: string): string[] => {
    const get = { method: 'GET', bucket: 'outb', key: root + headKey(path), query: new URLSearchParams(), headers: {} }
    const needed = permissionsOf({ ...get, body: Buffer.alloc(0), number: 1 }, { isMissing: root !== 'out/' })
    return needed.filter(permission => !isAllowed(statements, permission)).map(({ action }) => action)
  }
  const places = {
    'out/lake/visits/lis/': '',
    'out/lake/visits/': 'lis',
    'out/lake/': 'visits/lis',
    'out/': 'lake/visits/lis',
  }
  expect(Object.entries(places).flatMap(([root, path]) => deniedAt(root, path))).toEqual([])
  expect(deniedAt('', 'out/lake/visits/lis')).toEqual(['s3:GetObject', 's3:ListBucket'])
})
