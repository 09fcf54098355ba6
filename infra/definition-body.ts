/** The definition of a state machine: as text in the template, or as an asset where it is too long for that. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DefinitionBody } from 'aws-cdk-lib/aws-stepfunctions'
import type { StateMachine } from '../lib/aws/state-machine.ts'
import { PermanentError } from '../lib/errors/errors.ts'

/** @throws DEFINITION_INVALID for a definition that Step Functions would refuse */
export function makeDefinitionBody(definition: StateMachine): DefinitionBody {
  const text = JSON.stringify(definition)
  const bytes = Buffer.byteLength(text)
  if (bytes > definitionBytesMax) throw tooLarge(bytes)
  return bytes <= inlineBytesMax ? DefinitionBody.fromString(text) : DefinitionBody.fromFile(writeDefinition(text))
}

/** Limit of Step Functions. @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const definitionBytesMax = 1024 * 1024
/** A template may have 1 MB, for the escaped definition and the policies of all tasks. */
const inlineBytesMax = 256 * 1024

/** Writes the definition to a file that lives as long as this process, because CDK reads it when the app is synthesized. */
function writeDefinition(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'fanmill-definition-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'definition.json')
  writeFileSync(file, text)
  return file
}

function tooLarge(bytes: number): PermanentError {
  const message = `FanmillPipeline: expected a state machine of at most ${definitionBytesMax} bytes, got ${bytes}; divide the tasks over several pipelines`
  return new PermanentError('DEFINITION_INVALID', message, { bytes })
}
