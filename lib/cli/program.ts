/** Creates the parser of the command line; what a command needs is imported by its action, so that `--help` is fast. */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addConfigCommand } from './commands/config.ts'
import { addHeadCommand, addShowCommand } from './commands/datasets.ts'
import { addRetryCommand, addStartCommand, addStopCommand } from './commands/executions.ts'
import { addGraphCommand } from './commands/graph.ts'
import { addInferCommand } from './commands/infer.ts'
import { addInitCommand } from './commands/init.ts'
import { addLogsCommand } from './commands/logs.ts'
import { addPlanCommand } from './commands/plan.ts'
import { addPreviewCommand } from './commands/preview.ts'
import { addRunCommand } from './commands/run.ts'
import { addSqlCommand } from './commands/sql.ts'
import { addCleanCommand, addRejectsCommand, addRunsCommand, addStatusCommand } from './commands/state.ts'
import { addTasksCommand } from './commands/tasks.ts'
import { addUnzipCommand } from './commands/unzip.ts'

/** Commands in the order of the help. */
const addCommands = [
  addInitCommand,
  addRunCommand,
  addPlanCommand,
  addPreviewCommand,
  addTasksCommand,
  addGraphCommand,
  addInferCommand,
  addUnzipCommand,
  addRunsCommand,
  addStatusCommand,
  addRejectsCommand,
  addShowCommand,
  addHeadCommand,
  addSqlCommand,
  addCleanCommand,
  addStartCommand,
  addLogsCommand,
  addRetryCommand,
  addStopCommand,
  addConfigCommand,
]

/** Creates the parser; it throws instead of ending the process. */
export function createProgram(): Command {
  const program = new Command('fanmill')
    .description(
      'turns archives, files and datasets into Parquet datasets and Delta tables, in parallel, from one TypeScript definition',
    )
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureOutput({ outputError: () => {} })
    .configureHelp({ helpWidth: Math.min(process.stdout.columns ?? 100, 120), subcommandTerm })
    .exitOverride()
  for (const add of addCommands) add(program)
  program.addHelpText('after', footer)
  return program
}

const footer = `
Examples:
  fanmill run pipelines/flights.ts --param month=2001-01
  fanmill head out/flights --rows 5
  fanmill start --stack FanmillFlights --wait

Exit codes: 0 complete, 1 failed, 2 wrong usage or definition, 130 interrupted (the same command resumes).
Settings also come from FANMILL_* variables and fanmill.config.json: see "fanmill config".`

/** Returns a command's name and arguments, without `[options]`, which every command has. */
function subcommandTerm(command: Command): string {
  const names = command.registeredArguments.map(argument => {
    return argument.required ? `<${argument.name()}>` : `[${argument.name()}]`
  })
  return [command.name(), ...names].join(' ')
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return String(version)
}
