/** Extracts members to the root of the output, beside its own state. */
import { memberFiles, param, pipeline, task, zipMembers } from 'fanmill'

const raw = task({
  name: 'raw',
  params: { month: param.month() },
  source: zipMembers({ paths: 'incoming/{month}/*.zip' }),
  output: memberFiles({ path: '{month}' }),
})

export default pipeline({ name: 'extracting', tasks: [raw] })
