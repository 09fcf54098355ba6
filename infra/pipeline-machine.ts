/** The state machine of a pipeline and its role. */
import { Aws } from 'aws-cdk-lib'
import { Policy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import { integrationNames, type StateMachineOptions, stateMachine, substitutions } from '../lib/core/state-machine.ts'
import { acknowledge, acknowledgeWildcards } from './acknowledge.ts'
import { allow } from './statements.ts'

export interface PipelineMachineProps extends Omit<StateMachineOptions, 'tierCount'> {
  readonly plan: IFunction
  /** One a tier, smallest first. */
  readonly process: readonly IFunction[]
  readonly commit: IFunction
  readonly output: IBucket
  /** Prefix of all state: the Map reads its items there. */
  readonly state: string
  /** Of the state. */
  readonly outputKeys: readonly IKey[]
}

export class PipelineMachine extends Construct {
  readonly arn: string
  readonly name: string

  constructor(scope: Construct, id: string, props: PipelineMachineProps) {
    super(scope, id)
    const { plan, process, commit, output, state, outputKeys } = props
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('states.amazonaws.com') })
    const machine = new CfnStateMachine(this, 'Machine', {
      roleArn: role.roleArn,
      stateMachineType: 'STANDARD',
      definitionString: JSON.stringify(stateMachine({ ...props, tierCount: process.length })),
      definitionSubstitutions: {
        ...Object.fromEntries(
          integrationNames.map(name => [substitutions.integration(name), `arn:${Aws.PARTITION}:states:::${name}`]),
        ),
        [substitutions.plan]: plan.functionArn,
        [substitutions.commit]: commit.functionArn,
        ...Object.fromEntries(process.map((tier, index) => [substitutions.process(index), tier.functionArn])),
      },
    })
    const { ref: arn, attrName: name } = machine
    // The Map's children are executions of the same machine.
    const children = `arn:${Aws.PARTITION}:states:${Aws.REGION}:${Aws.ACCOUNT_ID}:execution:${name}/*`
    const statements = [
      allow(
        ['lambda:InvokeFunction'],
        [plan, ...process, commit].map(each => each.functionArn),
      ),
      allow(['s3:GetObject'], [output.arnForObjects(`${state}runs/*`)]),
      allow(['states:StartExecution'], [arn]),
      allow(['states:DescribeExecution', 'states:StopExecution'], [children]),
    ]
    // A policy of its own: within the role it would name the machine that names the role.
    const policy = new Policy(this, 'Policy', { roles: [role], statements })
    acknowledgeWildcards(policy, statements, 'stands for the run and for the execution in a name of this pipeline')
    for (const key of outputKeys) key.grant(role, 'kms:Decrypt')
    acknowledge(
      machine,
      'SF1',
      'a standard machine keeps the history of its executions, and the functions log; log delivery needs a policy on all resources',
    )
    acknowledge(
      machine,
      'SF2',
      'tracing needs a policy on all resources, and the times of each batch are in its outcome',
    )
    this.arn = arn
    this.name = name
  }
}
