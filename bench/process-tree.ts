/** Watches a process and its descendants: resident memory and processor time, from /proc. */
import { readdirSync, readFileSync } from 'node:fs'

export interface TreeUse {
  /** Largest sum of resident bytes of the tree in a sample. Shared pages count once for each process. */
  readonly peakBytes: number
  /** Largest resident size of the first process by the kernel; 0 where it has none. */
  readonly firstPeakBytes: number
  /** User and system time of all processes up to their last sample. */
  readonly cpuSeconds: number
}

/** Samples every 50 ms until the returned function is called; on systems other than Linux all values are 0. */
export function watchTree(pid: number): () => TreeUse {
  const cpu = new Map<number, number>()
  let [peakBytes, firstPeakBytes] = [0, 0]
  let tree = [pid]
  let samples = 0
  const timer = setInterval(() => {
    // Only every fourth sample looks for children, because that reads all of /proc.
    if (samples++ % 4 === 0) tree = descendants(pid)
    peakBytes = Math.max(
      peakBytes,
      tree.reduce((sum, member) => sum + statusBytes(member, 'VmRSS'), 0),
    )
    firstPeakBytes = Math.max(firstPeakBytes, statusBytes(pid, 'VmHWM'))
    for (const member of tree) cpu.set(member, Math.max(cpu.get(member) ?? 0, cpuSeconds(member)))
  }, 50)
  return () => {
    clearInterval(timer)
    const cpuSeconds = [...cpu.values()].reduce((sum, seconds) => sum + seconds, 0)
    return { peakBytes: Math.max(peakBytes, firstPeakBytes), firstPeakBytes, cpuSeconds }
  }
}

/** Reads a file of /proc; empty for a process that has ended. */
function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'utf8')
  } catch {
    return ''
  }
}

/** Reads the fields of /proc/PID/stat from the third on, because the second, the name, may contain spaces. */
function statFields(pid: number | string): readonly string[] {
  const text = readProc(`${pid}/stat`)
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

function descendants(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const pid of listProc().filter(name => /^\d+$/.test(name))) {
    const parent = Number(statFields(pid)[1]) // 4 - ppid
    children.set(parent, [...(children.get(parent) ?? []), Number(pid)])
  }
  const tree = [root]
  for (const pid of tree) tree.push(...(children.get(pid) ?? []))
  return tree
}

function listProc(): string[] {
  try {
    return readdirSync('/proc')
  } catch {
    return []
  }
}

function statusBytes(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const kilobytes = new RegExp(`${field}:\\s+(\\d+) kB`).exec(readProc(`${pid}/status`))?.[1]
  return Number(kilobytes ?? 0) * 1024
}

/** Linux counts these in hundredths of a second. */
function cpuSeconds(pid: number): number {
  const [user = 0, system = 0] = statFields(pid).slice(11, 13) // 14 - utime, 15 - stime
  return (Number(user) + Number(system)) / 100
}
