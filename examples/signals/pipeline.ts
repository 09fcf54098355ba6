/**
 * Vibrations of machines in windows of thousands of samples: a list of doubles in each row, and a partition for each of 100 machines.
 * With the defaults 8,200 windows, which are 2 GB in memory. `train.ts` trains a model on them.
 */
import { column, items, param, parquet, pipeline, sql, task } from 'fanmill'

const machineCount = 100

export const signals = task({
  name: 'signals',
  params: { windows: param.integer({ default: 82 }), samples: param.integer({ default: 32_768 }) },
  // The bytes of a window and what the engine needs to make it, so that a worker makes some dozens at once.
  source: items(
    ({ windows }: { windows: number }) =>
      Array.from({ length: machineCount * windows }, (_, at) => ({
        machine: `m${String(Math.floor(at / windows)).padStart(2, '0')}`,
        window: at % windows,
        worn: at % 2 === 1,
      })),
    undefined,
    { itemBytes: 4 * 2 ** 20 },
  ),
  columns: {
    machine: column.string({ required: true }),
    window: column.int32({ required: true }),
    worn: column.boolean({ required: true }),
  },
  output: parquet({ path: '{task}/{windows}x{samples}', partitionBy: ['machine'] }),
})
  // Stands for a sensor: noise and a tone, and where a bearing is worn, a higher tone over it.
  .sql<{ signal: Float64Array }>(
    ({ samples }) => sql`
      select *, list_transform(range(${samples}), lambda x:
        sin(x / 20 + "window") + if(worn, 0.5, 0.0) * sin(x * 1.7) + (hash(x, "window", machine) % 1000) / 2500) as signal
      from input`,
  )

export default pipeline({ name: 'signals', tasks: [signals] })
