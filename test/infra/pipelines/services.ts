import { param, pipeline, programTask, stateTask } from 'fanmill'

const exported = programTask({
  name: 'exported',
  params: { month: param.month() },
  command: ({ month }) => ['python3', 'export.py', month],
  target: 'exported/{month}/_SUCCESS',
})
const job = (name: string) => `arn:aws:glue:eu-west-1:123456789012:job/${name}`
const glue = (name: string) =>
  stateTask({
    name,
    requires: exported,
    integration: 'glue:startJobRun.sync',
    arguments: ({ month }: { month: string }) => ({ JobName: name, Arguments: { '--month': month } }),
    permissions: [{ actions: ['glue:StartJobRun', 'glue:GetJobRun'], resources: [job(name)] }],
    target: '{task}/{month}/_SUCCESS',
    root: 'output',
  })
const trained = stateTask({
  name: 'trained',
  integration: 'emr-serverless:startJobRun.sync',
  arguments: { ApplicationId: '1' },
  permissions: [
    {
      actions: ['iam:PassRole'],
      resources: ['arn:aws:iam::123456789012:role/emr'],
      conditions: { StringEquals: { 'iam:PassedToService': 'emr-serverless.amazonaws.com' } },
    },
  ],
})

export default pipeline({ name: 'services', tasks: [exported, glue('marts'), glue('totals'), trained] })
