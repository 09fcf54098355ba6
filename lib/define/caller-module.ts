/** Finds the module that called a function, so that worker threads can import it. */

/** Returns the URL of the module that called `callee`, or undefined when the stack does not show it. */
export function callerModule(callee: (...args: never[]) => unknown): string | undefined {
  const holder: { stack?: string } = {}
  // V8's stack of everything below `callee`: its first frame is the caller.
  Error.captureStackTrace?.(holder, callee)
  const frame = holder.stack?.split('\n').find(line => /^\s+at /.test(line))
  const place = frame && /(?:\(|at (?:async )?)((?:file:\/\/|\/|[A-Za-z]:[\\/]).*?):\d+:\d+\)?$/.exec(frame)?.[1]
  if (!place) return undefined
  return place.startsWith('file://') ? place : fileUrl(place)
}

function fileUrl(path: string): string {
  const url = new URL('file:///')
  url.pathname = path.replaceAll('\\', '/').replaceAll('%', '%25')
  return url.href
}
