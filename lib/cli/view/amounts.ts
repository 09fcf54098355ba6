/** Formats amounts for people. */

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** Formats bytes with a decimal unit and three digits: `1.23 MB`. */
export function formatBytes(bytes: number): string {
  const power = Math.min(byteUnits.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)))
  const amount = bytes / 1000 ** power
  return `${power === 0 ? amount : trimDigits(amount)} ${byteUnits[power]}`
}

/** Formats a count with commas between thousands, in any locale. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

/** Formats a duration: `0.42 s`, `7 s`, `12.3 s`, `3 min 5 s`, `2 h 10 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${Number.isInteger(seconds) ? seconds : trimDigits(seconds)} s`
  const whole = Math.round(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

/** Formats megabytes a second; a dash when no time passed. */
export function formatRate(bytes: number, seconds: number): string {
  return seconds > 0 ? trimDigits(bytes / 1e6 / seconds) : '-'
}

/** Formats three significant digits, without an exponent. */
function trimDigits(amount: number): string {
  if (amount >= 100) return amount.toFixed(0)
  return amount.toFixed(amount >= 10 ? 1 : 2)
}
