/** Forwards requests to LocalStack and counts them, whichever thread or process sends them. */
import { once } from 'node:events'
import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'

export interface SeenRequest {
  readonly method: string
  /** Path-style: `/bucket/key`. */
  readonly path: string
  readonly query: URLSearchParams
  status: number
  /** Bytes of the answer's body. */
  bytesRead: number
  /** Bytes of the request's body. */
  bytesWritten: number
}

export interface CountingProxy {
  readonly endpoint: string
  readonly seen: SeenRequest[]
  stop(): Promise<void>
}

/**
 * Called before a request is forwarded, which waits for it, so that a test can do something at that moment, or answer instead of
 * LocalStack by returning the status of a fault, such as 503.
 */
export type Intercept = (request: SeenRequest) => Promise<number | undefined> | number | undefined

export async function startProxy(target: string, intercept: Intercept = () => undefined): Promise<CountingProxy> {
  const seen: SeenRequest[] = []
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', target)
    const entry: SeenRequest = {
      method: request.method ?? '',
      path: decodeURIComponent(url.pathname),
      query: url.searchParams,
      status: 0,
      bytesRead: 0,
      bytesWritten: Number(request.headers['content-length'] ?? 0),
    }
    seen.push(entry)
    const fault = await intercept(entry)
    if (fault !== undefined) {
      entry.status = fault
      request.resume()
      response.writeHead(fault, { 'content-type': 'application/xml', connection: 'close' })
      const code = fault === 403 ? 'AccessDenied' : fault === 503 ? 'SlowDown' : 'InternalError'
      response.end(`<Error><Code>${code}</Code><Message>chosen by the test</Message></Error>`)
      return
    }
    const passed = send(url, { method: request.method, headers: request.headers })
    passed.on('response', answer => {
      entry.status = answer.statusCode ?? 0
      response.writeHead(entry.status, answer.headers)
      answer.on('data', (chunk: Buffer) => {
        entry.bytesRead += chunk.length
      })
      answer.pipe(response)
    })
    passed.on('error', () => response.destroy())
    await pipeline(request, passed).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async stop() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
