/** Errors that the state machine retries, and how often. */

/** Too little memory, time or disk: ours, and the platform's names for it. */
export const capacityErrors = [
  'CapacityError',
  'Runtime.ExitError',
  'Runtime.OutOfMemory',
  'Sandbox.Timedout',
  'Lambda.Unknown',
  'States.Timeout',
]

const backoff = { IntervalSeconds: 2, BackoffRate: 2, MaxDelaySeconds: 60, JitterStrategy: 'FULL' }

/**
 * For an invocation that waits until a function is free: hours, with 100 batches of minutes and room for ten. The execution's
 * own time limit ends it. A history may have 25,000 events, and all tasks' Plan and Commit share one: a try writes three, and these
 * tries, 150 seconds apart in the mean, are 6,000 events in 3.5 days; in one day they are 1,700.
 */
const throttled = { ...backoff, MaxDelaySeconds: 300, MaxAttempts: 2_000 }

/** Retries by error name; none of them has PermanentError. */
export const functionRetries = [
  { ErrorEquals: ['TransientError'], ...backoff, MaxAttempts: 8 },
  { ErrorEquals: ['Lambda.TooManyRequestsException'], ...throttled },
  {
    ErrorEquals: [
      'Lambda.ServiceException',
      'Lambda.AWSLambdaException',
      'Lambda.SdkClientException',
      'Lambda.ClientExecutionTimeoutException',
    ],
    ...backoff,
    MaxAttempts: 20,
  },
]

/** For a batch that takes far longer than its estimate: the old invocation may go on, and the first outcome wins. */
export const stragglerRetry = { ErrorEquals: ['States.Timeout'], ...backoff, MaxAttempts: 1 }

/** Plan and Commit continue where they stopped; they have no larger tier. */
export const crashRetry = { ErrorEquals: capacityErrors.slice(1), ...backoff, MaxAttempts: 2 }

/**
 * For a Map that could not read its items, or not start its children; `States.TaskFailed` stands for every error but a timeout. It begins
 * again with all items, and a batch that has its outcome already costs one look at it.
 */
export const mapRetries = [
  { ErrorEquals: ['States.ItemReaderFailed', 'States.TaskFailed'], ...backoff, MaxAttempts: 5 },
]

/** For the Map of a wave: begun again only while none of its nodes was given. */
export const itemReaderRetries = [{ ErrorEquals: ['States.ItemReaderFailed'], ...backoff, MaxAttempts: 5 }]

export const alreadyStarted = 'StepFunctions.ExecutionAlreadyExistsException'

/** Retries for the start of an execution. */
export const startRetries = [
  { ErrorEquals: [alreadyStarted], MaxAttempts: 0 },
  { ErrorEquals: ['States.TaskFailed'], ...backoff, MaxAttempts: 8 },
]
