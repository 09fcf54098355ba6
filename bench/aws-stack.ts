/** A pipeline of the benchmark on LocalStack: its functions as they are deployed, and a proxy that counts their requests to S3. */
import { execFileSync } from 'node:child_process'
import { createWriteStream, globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import yazl from 'yazl'
import { modestTiers } from '../infra/tiers.ts'
import type { LambdaEnvironment } from '../lib/aws/lambda-events.ts'
import type { BundledLambda, BundleLambdaAnswer, BundleLambdaRequest } from '../lib/bundle-lambda.ts'
import { type CountingProxy, startProxy } from '../test/localstack/counting-proxy.ts'
import { type LocalStack, startLocalStack } from '../test/localstack/start.ts'

export type FunctionName = 'plan' | 'process' | 'commit'

export interface AwsStack {
  readonly proxy: CountingProxy
  readonly zippedBytes: number
  /** Uploads a file of this machine into the input bucket. */
  upload(key: string, file: string): Promise<void>
  readOutput(key: string): Promise<string>
  inputBytes(key: string): Promise<number>
  /** Calls one of the three functions. @throws Error with the message of the function's error */
  invoke<Answer>(name: FunctionName, event: object): Promise<Answer>
  /** Makes the next calls start new processes. */
  chill(): Promise<void>
  close(): Promise<void>
}

const buckets = { input: 'bench-input', output: 'bench-output', code: 'bench-code' } as const

/** Opens the stack; `groupBytes` makes batches of less text than the tier has room for. @throws Error where there is no Python for LocalStack */
export async function openStack(
  entry: string,
  { groupBytes }: { readonly groupBytes?: number } = {},
): Promise<AwsStack> {
  const localStack = await startLocalStack()
  if (!localStack) throw new Error('expected Python 3.11 or later for LocalStack, got none')
  const folder = mkdtempSync(join(tmpdir(), 'fanmill-bench-aws-'))
  const proxy = await startProxy(localStack.endpoint)
  const close = async (): Promise<void> => {
    await proxy.stop()
    await localStack.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const client = clientOf(localStack)
    for (const Bucket of Object.values(buckets)) await client.send(new CreateBucketCommand({ Bucket }))
    const bundled = bundle(entry, folder)
    const zipFile = join(folder, 'asset.zip')
    await zipFolder(join(folder, 'asset'), zipFile)
    const code = { S3Bucket: buckets.code, S3Key: 'asset.zip' }
    await client.send(new PutObjectCommand({ Bucket: code.S3Bucket, Key: code.S3Key, Body: readFileSync(zipFile) }))
    const environment = {
      ...environmentOf(bundled),
      ...(groupBytes !== undefined && { FANMILL_GROUP_BYTES: `${groupBytes}` }),
      AWS_ENDPOINT_URL: proxy.endpoint,
    }
    for (const name of names) await createFunction(localStack, name, { code, environment })
    return {
      proxy,
      zippedBytes: statSync(zipFile).size,
      async upload(key, file) {
        await client.send(new PutObjectCommand({ Bucket: buckets.input, Key: key, Body: readFileSync(file) }))
      },
      async readOutput(key) {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: buckets.output, Key: key }))
        return (await Body?.transformToString()) ?? ''
      },
      async inputBytes(key) {
        const { ContentLength = 0 } = await client.send(new HeadObjectCommand({ Bucket: buckets.input, Key: key }))
        return ContentLength
      },
      invoke: (name, event) => invoke(localStack, name, event),
      async chill() {
        for (const name of names) await changeFunction(localStack, name, environment)
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

const names: readonly FunctionName[] = ['plan', 'process', 'commit']
const [tier] = modestTiers

const clientOf = ({ endpoint }: LocalStack): S3Client =>
  new S3Client({
    endpoint,
    forcePathStyle: true,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })

function bundle(entry: string, folder: string): BundledLambda {
  const script = fileURLToPath(new URL('../lib/bundle-lambda.ts', import.meta.url))
  const architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64'
  const request: BundleLambdaRequest = { entry, outFolder: join(folder, 'asset'), architecture }
  const output = execFileSync(process.execPath, [script, JSON.stringify(request)], { encoding: 'utf8' })
  const answer = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as BundleLambdaAnswer
  if ('error' in answer) throw new Error(answer.error.message)
  return answer
}

async function zipFolder(folder: string, target: string): Promise<void> {
  const zip = new yazl.ZipFile()
  for (const path of globSync('**', { cwd: folder }))
    if (statSync(join(folder, path)).isFile()) zip.addFile(join(folder, path), path)
  zip.end()
  await finished(zip.outputStream.pipe(createWriteStream(target)))
}

function environmentOf({ pipeline }: BundledLambda) {
  return {
    FANMILL_INPUT_BUCKET: buckets.input,
    FANMILL_INPUT_PREFIX: '',
    FANMILL_OUTPUT_BUCKET: buckets.output,
    FANMILL_OUTPUT_PREFIX: '',
    FANMILL_PIPELINE: pipeline.name,
    FANMILL_TIERS: JSON.stringify(modestTiers),
    UV_THREADPOOL_SIZE: `${2 * (tier?.threads ?? 1) + 4}`,
  } satisfies LambdaEnvironment & { readonly UV_THREADPOOL_SIZE: string }
}

interface NewFunction {
  readonly code: object
  readonly environment: Readonly<Record<string, string>>
}

const createFunction = (stack: LocalStack, name: FunctionName, { code, environment }: NewFunction) =>
  lambda(stack, 'POST', 'functions', {
    FunctionName: name,
    Runtime: 'nodejs24.x',
    Handler: `${name}.handler`,
    Role: 'arn:aws:iam::000000000000:role/any',
    Code: code,
    MemorySize: tier?.memoryMb,
    Timeout: 900,
    Environment: { Variables: environment },
  })

/** Changes the configuration of a function, so that it starts in a new process. */
async function changeFunction(
  stack: LocalStack,
  name: FunctionName,
  environment: NewFunction['environment'],
): Promise<void> {
  const Variables = { ...environment, FANMILL_BENCH_ROUND: `${Date.now()}` }
  await lambda(stack, 'PUT', `functions/${name}/configuration`, { Environment: { Variables } })
  for (;;) {
    const { LastUpdateStatus } = await lambda<{ LastUpdateStatus?: string }>(
      stack,
      'GET',
      `functions/${name}/configuration`,
    )
    if (LastUpdateStatus !== 'InProgress') return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

async function invoke<Answer>(stack: LocalStack, name: FunctionName, event: object): Promise<Answer> {
  const answer = await lambda<Answer & { readonly errorMessage?: string }>(
    stack,
    'POST',
    `functions/${name}/invocations`,
    event,
  )
  if (answer.errorMessage !== undefined) throw new Error(`${name}: ${answer.errorMessage}`)
  return answer
}

/** Calls Lambda. LocalStack reads the service from the credential's scope, and checks no signature. */
async function lambda<Answer>({ endpoint }: LocalStack, method: string, path: string, body?: object): Promise<Answer> {
  const scope = 'Credential=test/20260101/us-east-1/lambda/aws4_request'
  const answer = await fetch(`${endpoint}/2015-03-31/${path}`, {
    method,
    headers: { authorization: `AWS4-HMAC-SHA256 ${scope}, SignedHeaders=host, Signature=any` },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${path}: ${text}`)
  return JSON.parse(text) as Answer
}
