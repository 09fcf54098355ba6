/** Dollars and seconds of large runs on AWS, with the arithmetic. */
import { type AwsEstimate, type AwsWork, estimateOnAws } from '../lib/aws/estimate.ts'
import { awsPrices } from '../lib/aws/prices.ts'
import { column, csv, files, parquet, task, zipMembers } from '../lib/define/index.ts'
import { planMemberSlices } from '../lib/inputs/slices/member-slices.ts'
import type { FigureCase, Table } from './figures.ts'

export const costCase: FigureCase = {
  name: 'cost',
  title: 'what large runs would cost on AWS, and how long they would take',
  async measure() {
    const scenarios = [
      { label: '558,000 members of a zip', work: workOf({ members: 558_000, memberBytes: 66_300 }) },
      { label: '558,000 objects', work: objectsOf({ objects: 558_000, bytes: 66_300 }) },
      { label: '50 GB, small members', work: workOf({ members: 500_000, memberBytes: (50e9 / 500_000) * ratio }) },
      { label: '50 GB, 100 huge members', work: workOf({ members: 100, memberBytes: (50e9 / 100) * ratio }) },
    ].map(({ label, work }) => ({ label, work, estimate: estimateOnAws(work) }))
    return { says: says(scenarios), tables: [timesTable(scenarios), billTable(scenarios)] }
  },
}

/** Text over compressed bytes, as in the generated zip. */
const ratio = 3.1

interface Scenario {
  readonly label: string
  readonly work: AwsWork
  readonly estimate: AwsEstimate
}

const orders = task({
  name: 'orders',
  source: zipMembers({ paths: '*.zip', format: csv() }),
  columns: { note: column.string() },
  output: parquet({ path: '{task}' }),
})

/** Plans one archive. */
function workOf({ members, memberBytes }: { readonly members: number; readonly memberBytes: number }): AwsWork {
  const compressedBytes = Math.round(memberBytes / ratio)
  const planned = Array.from({ length: members }, (_, index) => ({
    name: `${index}.csv`,
    headerOffset: index * (compressedBytes + 60),
    endOffset: (index + 1) * (compressedBytes + 60),
    compressedBytes,
    inflatedBytes: Math.round(memberBytes),
    crc32: 0,
    method: 8 as const,
  }))
  return { task: orders, slices: planMemberSlices(planned, { input: 0 }), objects: 1, memberCount: members }
}

/** Makes each object a slice, because reads are not joined across objects. */
function objectsOf({ objects, bytes }: { readonly objects: number; readonly bytes: number }): AwsWork {
  const source = files({ paths: '*.csv', format: csv() })
  const slices = Array.from({ length: objects }, (_, index) => ({
    kind: 'file' as const,
    slice: index,
    input: index,
    bytes,
  }))
  return { task: { ...orders, source }, slices, objects, memberCount: objects }
}

function says(scenarios: readonly Scenario[]): string[] {
  const { platform, assumptions } = scenarios[0]?.estimate ?? {}
  const [tier] = platform?.tiers ?? []
  const gets = 558_000 * awsPrices.s3.read
  return [
    `The construct's defaults: ${platform?.architecture}, Process of ${tier?.memoryMb} MB with ${tier?.threads} threads, ${platform?.maxConcurrency} batches at once. List prices of ${awsPrices.region} of ${awsPrices.date} (\`lib/aws/prices.ts\`), no free tier. Assumed: ${assumptions?.join('; ')}.`,
    `37 GB in 558,000 members of a zip: ${dollars(scenarios[0])}. AWS's sample (aws-stepfunctions-examples, demo-distributed-map-data-processing) finds monthly maxima of the same amount in 558,000 objects, in "90-150 seconds" and "on the order of $0.10"; it has 1,116 invocations of 2,048 MB, up to 3,000 at once. Its 558,000 reads alone are $${gets.toFixed(2)} at list price, so that its $0.10 leaves something out, or has the free tier in it.`,
    `The same objects as they are, without a zip: ${dollars(scenarios[1])}. Reads of a whole object each, and their time to the first byte, are what it costs more: a slice of a zip reads some 500 members at once.`,
  ]
}

const dollars = (scenario?: Scenario): string =>
  `about $${(scenario?.estimate.dollars ?? 0).toFixed(2)} and ${Math.round(scenario?.estimate.seconds ?? 0)} s`

function timesTable(scenarios: readonly Scenario[]): Table {
  const sumOf = ({ work }: Scenario): number => work.slices.reduce((sum, slice) => sum + slice.bytes, 0)
  const row = (what: string, of: (scenario: Scenario) => string): string[] => [what, ...scenarios.map(of)]
  return {
    head: ['time', ...scenarios.map(({ label }) => label)],
    rows: [
      row('text, GB', each => (sumOf(each) / 1e9).toFixed(1)),
      row('slices', ({ work }) => count(work.slices.length)),
      row('batches (512 MiB of text, 4,000 objects, or one huge member)', ({ estimate }) => count(estimate.batches)),
      row('parts', ({ estimate }) => count(estimate.parts)),
      row('plan, s', ({ estimate }) => estimate.stepSeconds.plan.toFixed(1)),
      row('process, s', ({ estimate }) => estimate.stepSeconds.process.toFixed(1)),
      row('commit, s', ({ estimate }) => estimate.stepSeconds.commit.toFixed(1)),
      row('**all, with the state machine, s**', ({ estimate }) => `**${estimate.seconds.toFixed(0)}**`),
    ],
  }
}

/** The arithmetic: amount × price = dollars. */
function billTable(scenarios: readonly Scenario[]): Table {
  const lines = scenarios[0]?.estimate.lines ?? []
  const rows = lines.map(({ what, price }, index) => [
    what,
    `$${price.toPrecision(3)}`,
    ...scenarios.map(({ estimate }) => {
      const line = estimate.lines[index]
      return `${count(line?.amount ?? 0)} = $${(line?.dollars ?? 0).toFixed(4)}`
    }),
  ])
  const total = scenarios.map(({ estimate }) => `**$${estimate.dollars.toFixed(3)}**`)
  return {
    head: ['dollars', 'price of one', ...scenarios.map(({ label }) => label)],
    rows: [...rows, ['**all**', '', ...total]],
  }
}

const count = (amount: number): string =>
  amount >= 10 ? Math.round(amount).toLocaleString('en-US') : Number(amount.toPrecision(2)).toString()
