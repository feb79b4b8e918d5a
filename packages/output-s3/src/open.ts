import type * as sdk from '@aws-sdk/client-s3'
import type { Aws } from '@talon/client-aws'

/** The SDK, and its client for one region. */
export interface S3 {
  readonly sdk: typeof sdk
  readonly client: sdk.S3Client
}

/** Opens S3 in a region; the configured one where missing. */
export async function openS3(aws: Aws, region?: string): Promise<S3> {
  const sdk = await import('@aws-sdk/client-s3')
  // Other servers know no bucket as a host name. The SDK reads these variables too, and has none for this.
  const elsewhere = process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL']
  const client = await aws.service('s3', () => Promise.resolve(sdk.S3Client), region, {
    // One part of many is worth another try at once; the whole is tried again by core.
    maxAttempts: 3,
    forcePathStyle: elsewhere !== undefined,
    // Checksums are given where they count. By itself the SDK would add some that other servers do not know.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  return { sdk, client }
}
