/** `fanmill config`: every setting and where it came from. */
import type { Command } from 'commander'
import type { ResolvedSetting } from '../local/config.ts'
import {
  addCommand,
  addInputOption,
  addLogLevelOption,
  addOutputOption,
  addS3Options,
  addWorkersOption,
  type CommonOptions,
  countParser,
  readShare,
} from './options.ts'
import { printJson } from './output.ts'
import { readSettings } from './settings.ts'
import { printTable } from './table.ts'

export function addConfigCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'config',
    description: 'print each setting and where it came from',
    examples: ['config', 'config --workers 4 --json'],
  })
  addLogLevelOption(addWorkersOption(addS3Options(addOutputOption(addInputOption(command)))))
    .option('--reads <n>', 'reads in flight', countParser(1))
    .option('--memory <mb>', 'MB shared out to all workers', countParser(1))
    .option('--rejects-max <n|p%>', 'rejected rows that do not fail a run', readShare)
    .option('--fail-fast', 'stop at the first batch that fails')
    .option('--stack <name>', 'CloudFormation stack of the deployed pipeline')
    .action(configAction)
}

async function configAction(flags: CommonOptions): Promise<void> {
  const settings = readSettings({ ...flags })
  if (flags.json) printJson(Object.fromEntries(settings.map(settingJson)))
  else await printTable(['setting', 'value', 'from'], settings.map(settingRow))
}

function settingJson({ setting, value, origin, name }: ResolvedSetting): readonly [string, unknown] {
  return [setting, { value: value ?? null, origin, name }]
}

function settingRow({ setting, value, name }: ResolvedSetting): readonly unknown[] {
  return [setting, value ?? (setting === 'rejectsMax' ? '(what the task says)' : '(none)'), name]
}
