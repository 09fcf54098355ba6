/** Two logs of a web service: the access log of its proxy, read by a pattern, and its own log of requests in nested JSON. */
import { column, count, files, jsonLines, lines, parquet, partitionsOf, pipeline, quantile, sum, task } from 'fanmill'

// The combined format of Apache and nginx. What is no HTTP request has neither method nor path.
const combined = [
  String.raw`(?<ip>\S+) \S+ (?<user>\S+) \[(?<logged_at>[^\]]+)\]`,
  String.raw`"(?:(?<method>[A-Z]+) (?<path>\S+) HTTP/[\d.]+|(?:[^"\\]|\\.)*)" (?<status>\d{3}) (?<bytes>\S+)`,
  String.raw`"(?<referrer>(?:[^"\\]|\\.)*)" "(?<agent>(?:[^"\\]|\\.)*)"`,
].join(' ')
const none = { nullValues: ['-'] }

export const accesses = task({
  name: 'accesses',
  source: files({ paths: 'access/*.log*', format: lines({ pattern: combined }) }),
  columns: {
    ip: column.string({ required: true }),
    user: column.string(none),
    logged_at: column.timestamptz({ required: true, format: '%d/%b/%Y:%H:%M:%S %z' }),
    method: column.string(none),
    path: column.string(none),
    status: column.int16({ required: true }),
    bytes: column.int64(none),
    referrer: column.string(none),
    agent: column.string(none),
  },
  output: parquet({ path: '{task}', partitionBy: ['day'], sortBy: ['logged_at'] }),
}).sql<{ day: string }>`select *, strftime(logged_at, '%Y-%m-%d') as day from input`

export const requests = task({
  name: 'requests',
  source: files({ paths: 'requests/*.jsonl', format: jsonLines() }),
  columns: {
    logged_at: column.timestamptz({ required: true, from: ['time', 'timestamp'] }),
    request: column.struct({
      method: column.string({ required: true }),
      path: column.string({ required: true }),
      headers: column.struct({ agent: column.string({ from: ['User-Agent', 'user-agent'] }) }),
    }),
    client: column.struct({ ip: column.string(), geo: column.struct({ country: column.string() }) }),
    response: column.struct({
      status: column.int16({ required: true }),
      bytes: column.int64(),
      seconds: column.float64(),
    }),
    errors: column.list(column.struct({ code: column.string(), retried: column.boolean() })),
  },
  onMissingColumn: 'null',
  output: parquet({ path: '{task}', sortBy: ['logged_at'] }),
})

export const traffic = task({
  name: 'traffic',
  source: partitionsOf(requests),
  output: parquet({ path: '{task}', sortBy: ['country', 'path'] }),
}).sql<{ path: string; country: string | null; bytes: bigint | null; seconds: number | null; failed: number }>`
    select request.path, client.geo.country, response.bytes, response.seconds, (response.status >= 500)::integer as failed
    from input`.reduce({
  by: ['country', 'path'],
  measures: { requests: count(), failed: sum('failed'), bytes: sum('bytes'), median: quantile('seconds', 0.5) },
})

export default pipeline({ name: 'weblogs', tasks: [accesses, requests, traffic] })
