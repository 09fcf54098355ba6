/** A Lambda runtime: asks the Runtime API for invocations and hands them to the function's handler, as AWS's own for Node.js does. */
import { existsSync, statSync, writeSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { basename, dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { format } from 'node:util'

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':')
const agent = new Agent({ keepAlive: true, maxSockets: 1, noDelay: true })
let requestId = ''

const levels = { log: 'INFO', info: 'INFO', debug: 'DEBUG', warn: 'WARN', error: 'ERROR' }
for (const [name, level] of Object.entries(levels)) {
  console[name] = (...args) => {
    const text = format(...args).replaceAll('\n', '\r')
    write(`${new Date().toISOString()}\t${requestId}\t${level}\t${text}\n`)
  }
}

const handler = await load().catch(fail)
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, async error => {
    console.error(error)
    if (requestId) await call('POST', `/invocation/${requestId}/error`, toJson(error))
    process.exit(129)
  })
}
for (;;) {
  const next = await call('GET', '/invocation/next')
  if (next.status !== 200) process.exit(0)
  requestId = next.headers['lambda-runtime-aws-request-id']
  process.env._X_AMZN_TRACE_ID = next.headers['lambda-runtime-trace-id'] ?? ''
  const { kind, body } = await invoke(JSON.parse(next.body), contextOf(next.headers))
  // Tells the executor that all that was logged before belongs to this invocation.
  write(`\0END ${requestId}\n`)
  await call('POST', `/invocation/${requestId}/${kind}`, body)
}

/** Without a reader LocalStack is gone, and with it all that this process is for. */
function write(text) {
  try {
    writeSync(1, text)
  } catch {
    process.exit(1)
  }
}

async function load() {
  const { LAMBDA_TASK_ROOT: root, _HANDLER: name } = process.env
  const [moduleName, ...path] = basename(name).split('.')
  const base = resolve(root, dirname(name), moduleName)
  const isFile = file => existsSync(file) && statSync(file).isFile()
  const file = ['', '.js', '.mjs', '.cjs'].map(extension => base + extension).find(isFile)
  if (!file) throw named('Runtime.ImportModuleError', `Cannot find module '${moduleName}'`)
  const module = await import(pathToFileURL(file).href)
  const found = path.reduce((value, key) => value?.[key], { ...module.default, ...module })
  if (typeof found !== 'function') throw named('Runtime.HandlerNotFound', `${name} is undefined or not exported`)
  return found
}

async function fail(error) {
  console.error(error)
  await call('POST', '/init/error', toJson(error))
  process.exit(1)
}

async function invoke(event, context) {
  try {
    return { kind: 'response', body: JSON.stringify((await answer(event, context)) ?? null) }
  } catch (error) {
    console.error('Invoke Error', toJson(error))
    return { kind: 'error', body: toJson(error) }
  }
}

/** A handler of three arguments answers through the third. */
function answer(event, context) {
  if (handler.length <= 2) return handler(event, context)
  return new Promise((done, failed) => handler(event, context, (error, value) => (error ? failed(error) : done(value))))
}

function contextOf(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms'])
  return {
    awsRequestId: requestId,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  }
}

function call(method, path, body) {
  const headers =
    body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  return new Promise((done, failed) => {
    const sent = request({ host, port, path: `/2018-06-01/runtime${path}`, method, agent, headers }, response => {
      const chunks = []
      response.on('data', chunk => chunks.push(chunk))
      response.on('end', () =>
        done({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() }),
      )
    })
    sent.on('error', failed)
    sent.end(body)
  })
}

function toJson(error) {
  const { name, message, stack = '' } = error instanceof Error ? error : { name: typeof error, message: String(error) }
  return JSON.stringify({ errorType: name, errorMessage: message, trace: stack.split('\n') })
}

function named(name, message) {
  return Object.assign(new Error(message), { name })
}
