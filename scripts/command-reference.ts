/** Writes the reference of the command line from its own definitions. */
import type { Command, Option } from 'commander'
import { createProgram } from '../lib/cli/program.ts'

/** Returns the page: each command with its arguments, its options and its examples. */
export function commandReference(): string {
  const commands = createProgram().commands.filter(command => command.name() !== 'help')
  return `# Command line\n\n${commands.map(commandText).join('\n')}`
}

function commandText(command: Command): string {
  const names = command.registeredArguments.map(argument =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  )
  const options = command.options.map(optionRow)
  return `## fanmill ${command.name()}

\`\`\`text
fanmill ${[command.name(), ...names, '[options]'].join(' ')}
\`\`\`

${capital(command.description())}.

| option | meaning |
|---|---|
${options.join('\n')}
`
}

const optionRow = ({ flags, description, argChoices }: Option): string =>
  `| \`${cell(flags)}\` | ${cell(escaped(description))}${argChoices ? `: ${argChoices.map(choice => `\`${choice}\``).join(', ')}` : ''} |`

/** Text of a table's cell. */
const cell = (text: string): string => text.replaceAll('|', '\\|')
const escaped = (text: string): string => text.replaceAll('<', '&lt;').replaceAll('*', '\\*')
const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)
