import type { Gcp, GcpRequest } from '@talon/client-gcp'
import { ActionError } from '@talon/plugin'
import { z } from 'zod'

/** An object to be. */
export interface ObjectToBe {
  readonly bucket: string
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** Base64. */
  readonly md5: string
  readonly metadata: Readonly<Record<string, string>>
  /** Whether it may take the place of an object that is there. */
  readonly replace: boolean
}

/** What Cloud Storage tells of an object. https://cloud.google.com/storage/docs/json_api/v1/objects#resource */
const told = z.object({ size: z.string(), md5Hash: z.string().optional() })

/** What is known of an object that is there. @throws ActionError, `retryable` where it is gone again. */
export async function existing(
  { bucket, name }: ObjectToBe,
  gcp: Gcp,
  signal: AbortSignal,
): Promise<z.output<typeof told>> {
  const path = `b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(name)}`
  const purpose = `gs://${bucket}/${name} is there already, and cannot be compared`
  const { body } = await gcp.send({
    purpose,
    method: 'GET',
    url: `${gcp.endpoints.storage}/storage/v1/${path}?fields=size,md5Hash`,
    signal,
    passing: [404],
    advice: { 403: granted('storage.objects.get', bucket), 404: 'it is gone again' },
  })
  try {
    return told.parse(JSON.parse(body))
  } catch (cause) {
    throw new ActionError(`${purpose}: the answer is none of Cloud Storage; check gcp.storage_endpoint`, { cause })
  }
}

/** What an error of storing the object says besides the error itself. */
export function wordsOf({ bucket, name, replace }: ObjectToBe): Pick<GcpRequest, 'purpose' | 'advice'> {
  const needed = replace ? 'storage.objects.create and storage.objects.delete' : 'storage.objects.create'
  return {
    purpose: `gs://${bucket}/${name} was not stored`,
    advice: {
      403: granted(needed, bucket),
      404: `there is no bucket ${bucket}, or the credentials may not see it: create it, or check \`bucket\``,
    },
  }
}

const granted = (permission: string, bucket: string) =>
  `grant ${permission} on the bucket ${bucket} to the account of the credentials`
