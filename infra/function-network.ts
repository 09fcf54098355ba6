/** The VPC that the functions of a pipeline run in, where the app gives one. */
import { type ISecurityGroup, type IVpc, SecurityGroup, type SubnetSelection } from 'aws-cdk-lib/aws-ec2'
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { Construct } from 'constructs'
import { invalidProp } from './invalid-prop.ts'
import { allow } from './statements.ts'

/** Props of the construct for the network of its functions. */
export interface NetworkProps {
  /**
   * VPC of all functions. It needs a gateway endpoint for S3 or a NAT; with `encryptionKey`, with secrets, and with user code that calls
   * services, also endpoints of these services.
   * @default none: the functions run in Lambda's own network
   * @example Vpc.fromLookup(this, 'Vpc', { vpcName: 'data' })
   */
  readonly vpc?: IVpc
  /**
   * Subnets of `vpc` in which the functions get their addresses.
   * @default private subnets with a way out, else isolated ones
   * @example { subnetType: SubnetType.PRIVATE_ISOLATED }
   */
  readonly vpcSubnets?: SubnetSelection
  /**
   * Security groups of all functions in `vpc`.
   * @default one of this pipeline's own, which allows all outbound and no inbound traffic
   * @example [SecurityGroup.fromSecurityGroupId(this, 'Group', 'sg-0123456789abcdef0')]
   */
  readonly securityGroups?: readonly ISecurityGroup[]
}

/** Props of a function for its network. */
export interface FunctionNetwork {
  /** The network in which the function runs. */
  readonly vpc: IVpc
  /** Its subnets there. Default the CDK's choice. */
  readonly vpcSubnets?: SubnetSelection
  /** Groups that say what the function may reach. */
  readonly securityGroups: ISecurityGroup[]
}

/** @throws DEFINITION_INVALID for subnets or security groups without a VPC */
export function makeNetwork(scope: Construct, props: NetworkProps): FunctionNetwork | undefined {
  const { vpc, vpcSubnets, securityGroups } = props
  if (!vpc) {
    const stray = (['vpcSubnets', 'securityGroups'] as const).find(name => props[name] !== undefined)
    if (stray !== undefined)
      throw invalidProp(stray, `it together with vpc, got it alone; give the vpc, or leave ${stray} out`)
    return undefined
  }
  const description = 'Functions of a Fanmill pipeline'
  return {
    vpc,
    vpcSubnets,
    securityGroups: securityGroups
      ? [...securityGroups]
      : [new SecurityGroup(scope, 'SecurityGroup', { vpc, description, allowAllOutbound: true })],
  }
}

/** Lets Lambda make network interfaces with the function's role. EC2 allows no resource in this statement, because none exists yet. */
export function networkStatement(): PolicyStatement {
  const actions = [
    'ec2:CreateNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'ec2:DeleteNetworkInterface',
    'ec2:AssignPrivateIpAddresses',
    'ec2:UnassignPrivateIpAddresses',
  ]
  return allow(actions, ['*'])
}
