/** Checks that the synthesized roles allow each request that the real handlers send to S3, and nothing that breaks the protocol. */
import type { Template } from 'aws-cdk-lib/assertions'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { skippedShownMax } from '../../lib/model/outcome/skipped-member.ts'
import type { S3Request } from '../store/s3/server.ts'
import { buildZip } from '../zip-builder.ts'
import { isAllowed, type Permission, permissionsOf } from './policy.ts'
import { buckets, RecordedAccount, type RecordedRequest, uploadEvent } from './recorded-account.ts'
import { pipelineFile, type Statement, statementsOf, synthesise } from './stacks.ts'

const month = '2001-01'
let account: RecordedAccount
let roles: Readonly<Record<RecordedRequest['sender'], readonly Statement[]>>
const endings: Record<string, string> = {}

beforeAll(async () => {
  roles = rolesOf(synthesise(props).template)
  account = await RecordedAccount.open()
  await executeAll()
})
afterAll(() => account.close())

const byDefault = {
  entry: pipelineFile('replayed.ts'),
  include: [],
  inputPrefix: 'in/',
  outputPrefix: 'lake/',
} as const
const props = { ...byDefault, enforceConditionalWrites: true } as const

describe('the roles of Plan, Process, Commit and Graph', () => {
  it('allow every request of executions that commit, fail, continue, repeat and are refused', () => {
    const denied = account.requests.flatMap(({ sender, request, isMissing }) =>
      permissionsOf(request, { isMissing })
        .filter(permission => !isAllowed(roles[sender], permission))
        .map(({ action, resource, context }) => `${sender} ${action} ${resource} ${JSON.stringify(context)}`),
    )
    // For the hint of a missing input: without the right to list all inputs the message has no hint.
    expect([...new Set(denied)]).toEqual(['Plan s3:ListBucket arn:aws:s3:::inb {"s3:prefix":"in/"}'])
    expect(account.requests.length).toBeGreaterThan(500)
    expect(endings).toMatchSnapshot()
  })

  it('grant no action on S3 that none of these executions uses', () => {
    const used = new Set(
      account.requests.flatMap(({ sender, request, isMissing }) =>
        permissionsOf(request, { isMissing }).map(({ action }) => `${sender} ${action}`),
      ),
    )
    const granted = Object.entries(roles).flatMap(([name, statements]) =>
      statements
        .filter(({ Effect }) => Effect === 'Allow')
        .flatMap(({ Action }) => Action.map(one => `${name} ${one}`)),
    )
    const unused = [...new Set(granted)].filter(one => one.includes(' s3:') && !used.has(one))
    // A batch that another invocation completes first aborts its own uploads; invocations are one after another here.
    // A commit whose uploads have expired lists the remaining parts.
    expect(unused).toEqual(['Process s3:AbortMultipartUpload', 'Commit s3:ListMultipartUploadParts'])
  })
})

describe('the role of Process', () => {
  const part = 'lake/points/2001-01/k=a/part-0-0-0011223344556677-1.parquet'
  const outcome = 'lake/.fanmill/runs/0011223344556677/1/outcomes/0.json'
  const put = (key: string, context: Permission['context']): Permission => {
    return { action: 's3:PutObject', resource: `arn:aws:s3:::${buckets.output}/${key}`, context }
  }
  const created = { 's3:ObjectCreationOperation': 'true' }
  const createdOnce = { ...created, 's3:if-none-match': '*' }

  it('opens uploads of parts and members, and can neither complete them nor write over them', () => {
    for (const key of [part, 'lake/raw/2001-01/a/b.csv']) {
      expect(isAllowed(roles.Process, put(key, { 's3:ObjectCreationOperation': 'false' }))).toBe(true)
      expect(isAllowed(roles.Process, put(key, created))).toBe(false)
      expect(isAllowed(roles.Process, put(key, createdOnce))).toBe(false)
      expect(isAllowed(roles.Commit, put(key, created))).toBe(true)
    }
  })

  it('writes an outcome only where there is none', () => {
    expect(isAllowed(roles.Process, put(outcome, createdOnce))).toBe(true)
    expect(isAllowed(roles.Process, put(outcome, created))).toBe(false)
    expect(isAllowed(roles.Process, put(outcome, { ...created, 's3:if-match': '"etag"' }))).toBe(false)
  })

  it('cannot write `_SUCCESS` or the state that decides about a run', () => {
    for (const key of ['points/2001-01/_SUCCESS', '.fanmill/outputs/h/head.json', '.fanmill/runs/r/1/run.json'])
      expect(isAllowed(roles.Process, put(`lake/${key}`, createdOnce))).toBe(false)
  })

  it('has no such conditions by default, until they are proved on AWS', () => {
    const { Process } = rolesOf(synthesise(byDefault).template)
    for (const key of [part, outcome]) expect(isAllowed(Process, put(key, created))).toBe(true)
  })

  it('keeps these limits where members are extracted to the root of the output', () => {
    const { Process } = rolesOf(synthesise({ ...props, entry: pipelineFile('extracting.ts') }).template)
    expect(isAllowed(Process, put('lake/2001-01/a.csv', { 's3:ObjectCreationOperation': 'false' }))).toBe(true)
    expect(isAllowed(Process, put('lake/2001-01/a.csv', createdOnce))).toBe(false)
    expect(isAllowed(Process, put(outcome, createdOnce))).toBe(true)
    expect(isAllowed(Process, put('lake/.fanmill/outputs/h/head.json', created))).toBe(false)
  })
})

/** Returns the statements by function, with names of buckets instead of references. */
function rolesOf(template: Template): typeof roles {
  const named = (resource: string): string =>
    resource
      .replace(/<VisitsInput\w+\.Arn>/, `arn:aws:s3:::${buckets.input}`)
      .replace(/<VisitsOutput\w+\.Arn>/, `arn:aws:s3:::${buckets.output}`)
  const role = (name: string): Statement[] =>
    statementsOf(template, name).map(statement => ({ ...statement, Resource: statement.Resource.map(named) }))
  return {
    ...{ Plan: role('VisitsPlanRole'), Process: role('VisitsProcess1Role') },
    ...{ Commit: role('VisitsCommitRole'), Graph: role('VisitsGraphRole') },
  }
}

async function executeAll(): Promise<void> {
  const execute = async (what: string, ...args: Parameters<RecordedAccount['execute']>): Promise<void> => {
    endings[what] = await account.execute(...args)
  }
  const byHand = (params: object, options = {}) => ({ task: 'points', params, ...options })
  account.put('reference/k.csv', 'k,name\na,A\nb,B\n')
  const first = account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,k\n1,a\n2,b\n3,c\n' })
  await execute('the first upload', 'points', first)
  await execute('the same upload again', 'points', first)
  await execute('the first upload, extracted', 'raw', first)
  const second = account.upload(`incoming/${month}/b.zip`, { 'b.csv': 'x,k\n4,a\nbad,b\n' })
  await execute('a second upload with a reject', 'points', second)
  await execute('a second upload, extracted', 'raw', second)
  await execute('a forced run', 'points', byHand({ month }, { force: true }))
  const rejected = account.upload(`incoming/${month}/c.zip`, { 'c.csv': 'x,k\nq,a\nq,a\nq,a\nq,b\nq,b\n' })
  await execute('more rejects than allowed', 'points', rejected)
  await execute('no input', 'points', byHand({ month: '1999-01' }))
  account.put('logs/1.csv', 'x\n1\n')
  await execute('an append', 'log', { task: 'log' })
  account.put('visits/1.csv', 'x\n1\n')
  await execute('a Delta table', 'visits', { task: 'visits' })
  account.put('logs/2.csv', 'x\n2\n')
  await execute('another append', 'log', { task: 'log' })
  account.put('visits/2.csv', 'x\n2\n')
  await execute('a second version of a Delta table', 'visits', { task: 'visits' })
  endings['a task that reads a Delta table'] = await account.walk({ task: 'copied' })
  for (let number = 3; number < 12; number++) {
    account.put(`visits/${number}.csv`, `x\n${number}\n`)
    await execute('a version of a Delta table with a checkpoint', 'visits', { task: 'visits' })
  }
  await execute('a Delta table that is complete', 'visits', { task: 'visits' })
  account.put('logs/2.csv', 'x\n2\n22\n')
  await execute('an append of a changed input', 'log', { task: 'log' })
  await execute('an append of a changed input, forced', 'log', { task: 'log', force: true })
  account.upload('incoming/2001-05/g.zip', { 'g.csv': 'x,k\n1,a\n2,b\n3,a\n' })
  await execute('a task of two stages', 'counts', { task: 'counts', params: { month: '2001-05' } })
  const continued = account.upload('incoming/2001-02/d.zip', { 'd.csv': 'x,k\n4,a\n5,b\n6,c\n7,d\n' })
  await execute('a commit that runs out of time and is called again', 'points', continued, { commitSeconds: 0.05 })
  await execute('an upload that matches no trigger', 'points', uploadEvent('incoming/x.txt'))
  const retried = account.upload('incoming/2001-03/e.zip', { 'e.csv': 'x,k\n4,a\n5,b\n' })
  const isOutcome = ({ method, key }: S3Request): boolean => method === 'PUT' && key.includes('/outcomes/')
  await execute('a batch that fails after it staged its parts', 'points', retried, { refusedOnce: isOutcome })
  await execute('the same batch again', 'points', retried)
  const half = account.upload('incoming/2001-04/f.zip', { 'f.csv': 'x,k\n4,a\n5,b\n' })
  const isComplete = ({ method, query }: S3Request): boolean => method === 'POST' && query.has('uploadId')
  await execute('a commit that fails after its first change', 'points', half, { refusedOnce: isComplete })
  account.put('incoming/2002-02/bad.zip', 'not a zip')
  await execute('an upload that is no zip', 'points', byHand({ month: '2002-02' }))
  account.put('incoming/2002-03/crc.zip', damagedZip())
  await execute('a damaged member', 'points', byHand({ month: '2002-03' }))
  await execute('a damaged member, retried', 'points', byHand({ month: '2002-03' }))
  account.put('incoming/2002-04/many.zip', zipOfDamagedMembers())
  await execute('more skipped members than an outcome lists', 'skipping', {
    task: 'skipping',
    params: { month: '2002-04' },
  })
  endings['a graph of complete nodes'] = await account.walk(byHand({ month: '2001-02..2001-03' }))
  endings['a graph with a node that fails'] = await account.walk(byHand({ month: '1998-12..1999-01' }))
  account.removeOutput('points/2001-02/_SUCCESS')
  await execute('a dataset without _SUCCESS', 'points', byHand({ month: '2001-02' }))
  account.putOutput('points/2003-01/stranger.parquet', 'x')
  account.upload('incoming/2003-01/a.zip', { 'a.csv': 'x,k\n1,a\n' })
  await execute('files of a stranger in the output', 'points', byHand({ month: '2003-01' }))
}

/** One good member, and as many with a wrong checksum as need a file of their own. */
function zipOfDamagedMembers(): Uint8Array {
  const names = Array.from({ length: skippedShownMax + 2 }, (_, index) => `${index}.csv`)
  const bytes = Buffer.from(buildZip(Object.fromEntries(names.map(name => [name, 'x,k\n1,a\n']))))
  let entry = bytes.indexOf('PK\x01\x02')
  for (entry = bytes.indexOf('PK\x01\x02', entry + 1); entry > 0; entry = bytes.indexOf('PK\x01\x02', entry + 1))
    bytes[entry + 16] = bytes[entry + 16]! ^ 0xff
  return bytes
}

function damagedZip(): Uint8Array {
  const bytes = Buffer.from(buildZip({ 'a.csv': `x,k\n${'1,a\n'.repeat(3000)}` }))
  bytes[60] = bytes[60]! ^ 0xff
  return bytes
}
