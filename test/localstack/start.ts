/** Starts the real LocalStack as a process of this machine, without Docker; Lambda functions run as processes too. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { installLocalStack } from './install.ts'

export interface LocalStack {
  readonly endpoint: string
  stop(): Promise<void>
}

/** Starts an instance, or uses the running one of `FANMILL_LOCALSTACK_ENDPOINT`. Returns undefined when this machine has no Python for it. */
export async function startLocalStack(): Promise<LocalStack | undefined> {
  const running = process.env.FANMILL_LOCALSTACK_ENDPOINT
  if (running) {
    await waitUntilReady(running, () => undefined)
    return { endpoint: running, stop: async () => {} }
  }
  const installed = await installLocalStack()
  if (!installed) return undefined
  const home = mkdtempSync(join(tmpdir(), 'fanmill-localstack-'))
  const log = join(home, 'localstack.log')
  const port = await freePort()
  const child = launch(installed.python, { home, log, environment: environmentOf(home, port, installed.cacheFolder) })
  const stop = () => end(child, home)
  try {
    const endpoint = `http://127.0.0.1:${port}`
    await waitUntilReady(endpoint, () => failureOf(child, log))
    return { endpoint, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function launch(
  python: string,
  { home, log, environment }: { home: string; log: string; environment: NodeJS.ProcessEnv },
): ChildProcess {
  const output = openSync(log, 'w')
  // Standard input stays open until this process ends, and LocalStack then ends too.
  const child = spawn(python, [join(import.meta.dirname, 'start.py')], {
    cwd: home,
    env: environment,
    stdio: ['pipe', output, output],
  })
  closeSync(output)
  child.on('error', () => undefined)
  return child
}

/** @see https://docs.localstack.cloud/references/configuration/ */
function environmentOf(home: string, port: number, cacheFolder: string): NodeJS.ProcessEnv {
  const address = `127.0.0.1:${port}`
  const local = '127.0.0.1,localhost'
  return {
    PATH: process.env.PATH,
    LANG: 'C.UTF-8',
    HOME: home,
    XDG_CACHE_HOME: cacheFolder,
    PYTHONPATH: join(import.meta.dirname, 'process_executor'),
    PYTHONDONTWRITEBYTECODE: '1',
    OVERRIDE_IN_DOCKER: '0',
    FILESYSTEM_ROOT: home,
    TMPDIR: home,
    GATEWAY_LISTEN: address,
    LOCALSTACK_HOST: address,
    DNS_ADDRESS: '0',
    SKIP_SSL_CERT_DOWNLOAD: '1',
    DISABLE_EVENTS: '1',
    NO_PROXY: local,
    no_proxy: local,
    LAMBDA_RUNTIME_EXECUTOR: 'process',
    LAMBDA_PROCESS_NODE: process.execPath,
    LAMBDA_SYNCHRONOUS_CREATE: '1',
    LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT: '60',
    LAMBDA_KEEPALIVE_MS: '60000',
    SQS_CLOUDWATCH_METRICS_REPORT_INTERVAL: '5',
    // The limit of a new account of AWS, in which invocations are throttled; a small machine could not run more.
    LAMBDA_LIMITS_CONCURRENT_EXECUTIONS: '16',
    // With 0 every type is refused when offline, because the catalogue of supported types cannot be fetched.
    CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES: '1',
    SERVICES:
      's3,lambda,stepfunctions,events,scheduler,cloudformation,iam,sts,sqs,sns,ssm,secretsmanager,logs,cloudwatch,kms',
    STRICT_SERVICE_LOADING: '1',
  }
}

const readyTriesMax = 600

async function waitUntilReady(endpoint: string, failure: () => string | undefined): Promise<void> {
  for (let tries = 0; tries < readyTriesMax; tries++) {
    const isReady = await fetch(`${endpoint}/_localstack/health`).then(
      answer => answer.ok,
      () => false,
    )
    if (isReady) return
    const failed = failure()
    if (failed !== undefined) throw new Error(failed)
    await pause(200)
  }
  throw new Error(`expected LocalStack to answer at ${endpoint}, got nothing in two minutes`)
}

function failureOf({ exitCode, signalCode }: ChildProcess, log: string): string | undefined {
  if (exitCode === null && signalCode === null) return undefined
  return `LocalStack ended (${exitCode ?? signalCode}) while it started:\n${readFileSync(log, 'utf8').slice(-4000)}`
}

async function end(child: ChildProcess, home: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit')
    child.stdin?.end()
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
    await ended
    clearTimeout(timer)
  }
  rmSync(home, { recursive: true, force: true })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  return address.port
}
