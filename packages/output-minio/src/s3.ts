import { defineOutput, prefix } from '@talon/plugin'
import { z } from 'zod'
import { minio } from './client.ts'
import { store } from './store.ts'

/** Stores artifacts as objects of a bucket of MinIO. */
export const s3 = defineOutput({
  name: 'minio:s3',
  summary: 'Store the artifact as an object in a bucket of MinIO, or of another server that speaks S3',
  notes: `The object is there whole or not at all: it goes in one request, signed with its SHA-256, which the server
checks. One over 5 GiB goes in parts, which are removed where the upload breaks. An object is never overwritten; the same
object from an earlier try counts as stored. What is known of the event is kept in its metadata
(\`x-amz-meta-falco-rule\`, \`x-amz-meta-sha256\` …).

The access key needs \`s3:PutObject\`. With \`s3:GetObject\` an earlier try is recognized, and the size looked at
afterwards; over 5 GiB it needs \`s3:AbortMultipartUpload\` and \`s3:ListBucketMultipartUploads\` to clean up.`,
  uses: { minio },
  parameters: z.object({
    bucket: z
      .string()
      .regex(/^[a-z0-9](?!.*\.\.)(?!\d+(\.\d+){3}$)[a-z0-9.-]{1,61}[a-z0-9]$/, {
        error: 'is no name of a bucket: 3 to 63 lower-case letters, digits, dots and hyphens',
      })
      .describe('Bucket that the objects go to; tokens are not replaced in it'),
    prefix,
  }),
  examples: [{ title: 'Keep what was collected', parameters: { bucket: 'evidence', prefix: 'talon/${K8S_NS_NAME}' } }],
  run: (job, { minio }) => store(job, minio),
})
