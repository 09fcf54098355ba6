/** Conditions of IAM that keep a role from making parts visible, and from replacing what must be written once. */
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam'

/** Props of the construct for what the role of Process may write. */
export interface WriteConditionProps {
  /**
   * Whether Process's role may only stage parts, which Commit's role completes, and write each outcome once, under the
   * conditions that S3 documents for this (`s3:ObjectCreationOperation`, `s3:if-none-match`). Off by default until it has been
   * proved on AWS itself: try it in an account of yours first, where a run ends with AWS_REFUSED if a condition differs.
   * @default false
   * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
   */
  readonly enforceConditionalWrites?: boolean
}

/** Restricts `s3:PutObject` to opening uploads and sending their pieces: no object appears, and none is replaced. */
export function stageOnly(statement: PolicyStatement): PolicyStatement {
  statement.addCondition('Bool', { 's3:ObjectCreationOperation': 'false' })
  return statement
}

/** Restricts `s3:PutObject` to requests with `If-None-Match`, which fail where the object exists. */
export function createOnly(statement: PolicyStatement): PolicyStatement {
  statement.addCondition('Null', { 's3:if-none-match': 'false' })
  return statement
}
