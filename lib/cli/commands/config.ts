/** `fanmill config`: prints every setting and where it comes from. */
import type { Command } from 'commander'
import { addCommand, addSettings, type CommonOptions } from '../options.ts'
import { printJson } from '../output.ts'
import { readSettings, type Setting, type SettingName, settings } from '../settings.ts'
import { printTable } from '../view/table.ts'

export function addConfigCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'config',
    description: 'print each setting and where it comes from',
    examples: ['config', 'config --workers 4 --json'],
  })
  addSettings(command, ...(Object.keys(settings) as SettingName[])).action(configAction)
}

async function configAction({ json, ...flags }: CommonOptions): Promise<void> {
  const found = readSettings(flags)
  if (json) printJson(Object.fromEntries(found.map(settingJson)))
  else printTable(['setting', 'value', 'from'], found.map(settingRow))
}

function settingJson({ setting, value, origin, name }: Setting): readonly [string, unknown] {
  return [setting, { value: value ?? null, origin, name }]
}

function settingRow({ setting, value, name }: Setting): readonly unknown[] {
  return [setting, value ?? (setting === 'rejectsMax' ? '(as the task says)' : '(none)'), name]
}
