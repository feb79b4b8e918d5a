import type { Client } from 'minio'
import { codeOf } from './failure.ts'

/**
 * Finds out where the server is, and with it whether it knows the bucket and the access key; the library does that
 * before its first request anyway. It asks in us-east-1. Where the server is elsewhere it says so, but the library
 * looks for that under names that its errors do not have.
 */
export async function locate(client: Client, bucket: string): Promise<void> {
  try {
    await client.getBucketRegionAsync(bucket)
  } catch (error) {
    const region = regionOf(error)
    if (region === undefined) throw error
    client.region = region
    await client.makeRequestAsyncOmit({ method: 'GET', bucketName: bucket, query: 'location' }).catch(ignoreDenial)
  }
}

/** Where the server says that it is, if it refused a request for being meant for another region. */
export function regionOf(error: unknown): string | undefined {
  const { region } = error as { region?: unknown }
  return codeOf(error) === 'AuthorizationHeaderMalformed' && typeof region === 'string' ? region : undefined
}

/** Whoever may only write may not ask where the bucket is, and is known all the same. */
function ignoreDenial(error: unknown): void {
  if (codeOf(error) !== 'AccessDenied') throw error
}
