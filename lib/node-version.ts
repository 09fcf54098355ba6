/** Refuses a Node that is too old, in one plain line: imported before all else by each file of the published package. */

/** The oldest Node that runs Fanmill: it has zstd in `node:zlib`. A clone of the repository brings its own. */
export const nodeNeeded = '22.15.0'

/** The line for a Node that is too old, or undefined. */
export function nodeVersionProblem(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [neededMajor = 0, neededMinor = 0] = nodeNeeded.split('.').map(Number)
  if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) return undefined
  return `fanmill needs Node ${nodeNeeded} or newer, and this is Node ${version}: install a newer Node, or start the program with one`
}

/** Returns whether a program is `fanmill` or `create-fanmill`, by its file or by the link that npm makes to it. */
function isCommandLine(program: string): boolean {
  return /[\\/]cli[\\/]main\.[jt]s$|[\\/]create-fanmill[\\/]create\.js$|[\\/]\.?bin[\\/](create-)?fanmill$/.test(
    program,
  )
}

const problem = nodeVersionProblem(process.versions.node)
if (problem !== undefined) {
  if (isCommandLine(process.argv[1] ?? '')) {
    process.stderr.write(`${problem}\n`)
    process.exit(2)
  }
  // Without frames, which would lead to this file.
  throw Object.assign(new Error(problem), { stack: problem })
}
