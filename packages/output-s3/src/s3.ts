import { aws } from '@talon/client-aws'
import { defineOutput, prefix } from '@talon/plugin'
import { z } from 'zod'
import { openS3 } from './open.ts'
import { store } from './store.ts'

/** Stores artifacts as objects of a bucket of Amazon S3. */
export const s3 = defineOutput({
  name: 'aws:s3',
  summary: 'Store the artifact as an object in a bucket of Amazon S3',
  notes: `The object is there whole or not at all. S3 checks its SHA-256: of the whole up to 8 MiB, else of each part and of
all parts together. Parts of an upload that broke are removed. An object is never overwritten; the same object from an
earlier try counts as stored. What is known of the event is kept in its metadata (\`x-amz-meta-falco-rule\`,
\`x-amz-meta-sha256\` …).

The identity needs \`s3:PutObject\`. With \`s3:GetObject\` an earlier try is recognized; with
\`s3:ListBucketMultipartUploads\` and \`s3:AbortMultipartUpload\` parts are removed, which else a lifecycle rule of the
bucket must do. Another server that speaks S3 is reached with \`AWS_ENDPOINT_URL_S3\`.`,
  uses: { aws },
  parameters: z.object({
    bucket: z
      .string()
      .regex(/^[a-z0-9](?!.*\.\.)(?!\d+(\.\d+){3}$)[a-z0-9.-]{1,61}[a-z0-9]$/, {
        error: 'is no name of a bucket: 3 to 63 lower-case letters, digits, dots and hyphens',
      })
      .describe('Bucket that the objects go to; tokens are not replaced in it'),
    prefix,
    region: z
      .string()
      .regex(/^[a-z0-9-]{1,63}$/, 'is no name of a region')
      .optional()
      .describe('Region of the bucket; `aws.region` where missing'),
  }),
  examples: [
    {
      title: 'Keep what was collected',
      parameters: { bucket: 'evidence', prefix: 'talon/${K8S_NS_NAME}', region: 'eu-west-1' },
    },
  ],
  permissions: {
    aws: ['s3:PutObject', 's3:GetObject', 's3:AbortMultipartUpload', 's3:ListBucketMultipartUploads'],
  },
  run: async (job, { aws }) => store(job, await openS3(aws, job.parameters.region)),
})
