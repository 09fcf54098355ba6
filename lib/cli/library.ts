/** The library behind the commands, imported when a command acts, so that `--help` does not wait for an engine. */

/** Imports the library, which loads the engine. */
export function loadLibrary(): Promise<typeof import('../local.ts')> {
  return import('../local.ts')
}
