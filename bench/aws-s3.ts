/** Counts the requests to S3 and the bytes of a run on LocalStack. */
import { fileURLToPath } from 'node:url'
import { requestsOf } from '../lib/aws/estimate.ts'
import type { SeenRequest } from '../test/localstack/counting-proxy.ts'
import { commitOn, planOn, processOn } from './aws-run.ts'
import { type AwsStack, openStack } from './aws-stack.ts'
import type { FigureCase, Figures } from './figures.ts'
import { generate } from './generate.ts'
import { inputPath } from './inputs.ts'

export const s3Case: FigureCase = {
  name: 's3',
  title: 'requests and bytes of a run, over the zip of 6,087 members',
  async measure() {
    await generate('many')
    const stack = await openStack(fileURLToPath(new URL('pipelines/orders.ts', import.meta.url)))
    try {
      return await count(stack)
    } finally {
      await stack.close()
    }
  },
}

async function count(stack: AwsStack): Promise<Figures> {
  const archive = 'many.zip'
  await stack.upload(archive, inputPath('many'))
  const taken = async <T>(act: () => Promise<T>): Promise<{ answer: T; seen: readonly SeenRequest[] }> => {
    const from = stack.proxy.seen.length
    return { answer: await act(), seen: stack.proxy.seen.slice(from) }
  }
  const planned = await taken(() => planOn(stack))
  const { items } = planned.answer
  const processed = await taken(() => inTurn(items, item => processOn(stack, planned.answer, item)))
  const committed = await taken(() => commitOn(stack, planned.answer))
  const steps = Object.entries({ plan: planned.seen, process: processed.seen, commit: committed.seen })
  const seen = steps.flatMap(([, each]) => each)
  const parts = processed.answer.reduce((sum, each) => sum + each.parts, 0)
  const pieces = seen.filter(({ query }) => query.has('partNumber')).length
  const slices = items.reduce((sum, item) => sum + item.sliceCount, 0)
  const counts = { archives: 1, objects: 1, batches: items.length, slices, count: parts, pieces }
  const foreseen = requestsOf(counts)
  const bytesRead = sum(
    seen.filter(({ path }) => path.endsWith(archive)),
    each => each.bytesRead,
  )
  const zipBytes = items.length > 0 ? await stack.inputBytes(archive) : 0
  const budget = 3 * parts + 2 * slices + 4 * items.length
  const caused = processed.seen.length + committed.seen.filter(isOfWork).length
  return {
    says: [
      `${items.length} batches, ${slices} slices, ${parts} parts in ${pieces} pieces of up to 16 MiB; the Map reads plan.json once more, which is not in the table. \`fanmill plan\` foresees ${foreseen.reads} reads and ${foreseen.writes} writes, listings among them.`,
      `Budget: 3 a part, 2 a slice and 4 a batch make ${budget}; parts, slices and batches caused ${caused} requests, and the other ${seen.length - caused} are those of any run of one archive. Bytes read of the archive: ${megabytes(bytesRead)} of ${megabytes(zipBytes)}, ${(bytesRead / zipBytes).toFixed(3)} ×, its directory among them.`,
    ],
    tables: [
      {
        head: ['step', 'reads (GET, HEAD)', 'writes (PUT, POST)', 'listings', 'deletes', 'MB read', 'MB written'],
        rows: [...steps, ['**all**', seen] as const].map(([step, each]) => [step, ...cells(each)]),
      },
      {
        head: ['for each', 'reads', 'writes', 'which'],
        rows: [
          ['slice', '1', '', 'its range, or its object'],
          ['part', '', '2, and 1 a piece', 'the upload opened, its pieces, and completed by commit'],
          ['batch', '5', '2', 'reservation, lease, slices, and its outcome twice; accounts, outcome'],
          ['archive', '2', '', 'its end and its directory'],
        ],
      },
    ],
  }
}

/** Calls one after another, as one process of Lambda does. */
async function inTurn<Item, Answer>(items: readonly Item[], act: (item: Item) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = []
  for (const item of items) answers.push(await act(item))
  return answers
}

function cells(seen: readonly SeenRequest[]): string[] {
  const { reads, writes, listings, deletes } = tally(seen)
  const bytes = [sum(seen, each => each.bytesRead), sum(seen, each => each.bytesWritten)]
  return [...[reads, writes, listings, deletes].map(String), ...bytes.map(each => (each / 1e6).toFixed(1))]
}

function tally(seen: readonly SeenRequest[]) {
  const listings = seen.filter(isListing).length
  const of = (pattern: RegExp): number => seen.filter(({ method }) => pattern.test(method)).length
  return { reads: of(/^(GET|HEAD)$/) - listings, writes: of(/^(PUT|POST)$/), listings, deletes: of(/^DELETE$/) }
}

const isListing = ({ method, query }: SeenRequest): boolean =>
  method === 'GET' && (query.has('list-type') || query.has('uploads'))

/** Tells whether a request of commit belongs to a batch or a part. */
const isOfWork = ({ path, query }: SeenRequest): boolean => path.includes('/outcomes/') || query.has('uploadId')

const sum = <Item>(items: readonly Item[], of: (item: Item) => number): number =>
  items.reduce((total, item) => total + of(item), 0)

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
