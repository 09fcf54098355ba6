/** List prices of AWS in dollars, with their date. */

/**
 * List prices of us-east-1, first tier, without free tier and without discounts. Looked up in copies of the price pages on `date`, which
 * may be older than it; they have not changed for years, except for CloudWatch Logs of Lambda, which became cheaper above 10 TB a month.
 * Data at rest is left out, and transfer within a region costs nothing.
 */
export const awsPrices = {
  date: '2026-11-21',
  region: 'us-east-1',
  /** @see https://aws.amazon.com/lambda/pricing/ */
  lambda: {
    /** A second of a gigabyte of memory; starting a process is billed as well, since August 2025. */
    gbSecond: { arm64: 0.000_013_333_4, x86_64: 0.000_016_666_7 },
    request: 0.2 / 1e6,
    /** A second of a gigabyte of temporary storage above the 512 MB that each function has. */
    storageGbSecond: 0.000_000_030_9,
    storageFreeMb: 512,
  },
  /** @see https://aws.amazon.com/step-functions/pricing/ A child of a distributed Map is one, beside the states that it enters. */
  steps: { transition: 0.025 / 1000 },
  /** @see https://aws.amazon.com/s3/pricing/ S3 Standard. Deleting and aborting cost nothing. */
  s3: {
    /** PUT, COPY, POST and LIST. */
    write: 0.005 / 1000,
    /** GET, HEAD and all others. */
    read: 0.0004 / 1000,
  },
  /** @see https://aws.amazon.com/cloudwatch/pricing/ */
  cloudWatch: {
    logsGb: 0.5,
    /** A custom metric in an hour in which something was measured: a month's $0.30 divided by 730. */
    metricHour: 0.3 / 730,
  },
} as const

export type Architecture = keyof typeof awsPrices.lambda.gbSecond
