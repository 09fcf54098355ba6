import { describe, expect, it } from 'vitest'
import { formatStoreUrl, parseStoreUrl } from '../../lib/store/store-url.ts'

describe('parseStoreUrl', () => {
  it.each([
    ['s3://lake', { bucket: 'lake', prefix: '' }],
    ['s3://lake/', { bucket: 'lake', prefix: '' }],
    ['s3://my.lake-2/raw/2001', { bucket: 'my.lake-2', prefix: 'raw/2001/' }],
    ['S3://lake/raw//', { bucket: 'lake', prefix: 'raw/' }],
    ['s3://lake/month=2001 01/é', { bucket: 'lake', prefix: 'month=2001 01/é/' }],
  ])('reads %s', (url, place) => {
    expect(parseStoreUrl(url)).toEqual(place)
  })

  it.each(['data', './s3/lake', '/data/s3:', 'C:\\data', 's3:/lake'])('reads %s as a folder', folder => {
    expect(parseStoreUrl(folder)).toBeUndefined()
  })

  it.each(['s3://', 's3:///raw', 's3://Lake/raw', 's3://ab', 's3://lake/../raw', 's3://lake/a//b', 'gs://lake/raw'])(
    'refuses %s',
    url => {
      expect(() => parseStoreUrl(url)).toThrow(expect.objectContaining({ code: 'USAGE' }))
    },
  )

  it.each([
    ['s3://lake--usw2-az1--x-s3/raw', 'a directory bucket (S3 Express One Zone)'],
    ['s3://lake--table-s3', 'a table bucket (S3 Tables)'],
    ['s3://lake--ol-s3', 'an Object Lambda access point'],
  ])('refuses %s and names its kind', (url, kind) => {
    const message = `${url}: expected a general purpose bucket, got ${kind}; use a bucket of the usual kind`
    expect(() => parseStoreUrl(url)).toThrow(expect.objectContaining({ code: 'USAGE', message }))
  })

  it('is the inverse of formatStoreUrl', () => {
    for (const url of ['s3://lake', 's3://lake/raw/2001']) expect(formatStoreUrl(parseStoreUrl(url)!)).toBe(url)
  })
})
