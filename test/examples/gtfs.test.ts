/** The GTFS example over a feed with times past 24:00. */
import { expect, it } from 'vitest'
import { calls } from '../../examples/gtfs/pipeline.ts'
import { runTask } from '../../lib/testing.ts'

const feed = (times: string) => ({
  'feeds/city.zip': { 'stop_times.txt': times, 'stops.txt': 'stop_id\nA\n' },
  'reference/trips.txt': 'trip_id,route_id,route_short_name\nT1,R1,12\n',
})

it('reads times past 24:00 as seconds, and rejects those that are none', async () => {
  const times = [
    '\ufefftrip_id, Arrival_Time,departure_time,stop_id,stop_sequence,timepoint',
    'T1, 8:05:00,08:05:30,A,1,1',
    'T1,25:35:00,25:36:00,B,2,0',
    'T1,,,C,3,',
    'T2,24:00:60,24:01:00,A,1,1',
  ]
  const { rows, rejects } = await runTask(calls, { files: feed(`${times.join('\r\n')}\r\n`) })
  const call = { trip_id: 'T1', route_id: 'R1', route_short_name: '12' }
  expect(rows).toEqual([
    { ...call, arrival: 29_100, departure: 29_130, stop_id: 'A', stop_sequence: 1, timepoint: true, waits: 30 },
    { ...call, arrival: 92_100, departure: 92_160, stop_id: 'B', stop_sequence: 2, timepoint: false, waits: 60 },
    { ...call, arrival: null, departure: null, stop_id: 'C', stop_sequence: 3, timepoint: null, waits: null },
  ])
  expect(rejects).toMatchObject([
    {
      member: 'stop_times.txt',
      line: 5,
      record: 4,
      column: 'arrival',
      expected: 'int32 as H:MM:SS',
      received: '24:00:60',
    },
  ])
})
