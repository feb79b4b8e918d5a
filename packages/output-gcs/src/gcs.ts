import { gcp } from '@talon/client-gcp'
import { ActionError, defineOutput, done, objectKey, prefix } from '@talon/plugin'
import { z } from 'zod'
import { digestsOf } from './digests.ts'
import { existing } from './object.ts'
import { upload } from './upload.ts'

/** Bucket names. https://cloud.google.com/storage/docs/buckets#naming */
const BUCKET = /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/

/** Stores artifacts in Google Cloud Storage, each whole or not at all. */
export const gcs = defineOutput({
  name: 'gcp:gcs',
  summary: 'Store the artifact in a bucket of Google Cloud Storage',
  notes: `The artifact is streamed in a resumable upload and never lies in memory. Its MD5 is sent with it: the server keeps
no object whose content differs, and what broke on the way is never visible. An upload that breaks is resumed where it
stopped; one that fails is cancelled, and tried again from the spool.

Nothing is overwritten but a manifest by its own next version. What an earlier try stored under the key counts where its
size and MD5 agree.

The credentials need \`storage.objects.create\` on the bucket (role \`roles/storage.objectCreator\`), \`storage.objects.get\`
to recognise what an earlier try stored, and \`storage.objects.delete\` for manifests (together \`roles/storage.objectUser\`).`,
  parameters: z.object({
    bucket: z
      .string()
      .regex(BUCKET, "is no name of a bucket: lower case letters, digits, '-', '_' and '.' are allowed")
      .describe('Bucket, which must exist; tokens are not replaced in it'),
    prefix,
  }),
  examples: [
    { title: 'Keep what was collected', parameters: { bucket: 'falco-talon-evidence' } },
    { title: 'One folder a namespace', parameters: { bucket: 'falco-talon-evidence', prefix: 'talon/${K8S_NS_NAME}' } },
  ],
  permissions: { gcp: ['storage.objects.create', 'storage.objects.get', 'storage.objects.delete'] },
  uses: { gcp },
  async run({ artifact, key, replace, metadata, parameters, signal, log }, { gcp }) {
    const { bucket } = parameters
    const name = objectKey(parameters.prefix, key)
    const { size, sha256, md5 } = await digestsOf(artifact.open(), signal)
    if (size !== artifact.size || sha256 !== artifact.sha256)
      throw new ActionError(
        `${artifact.name} has other content than was collected: ${size} bytes with SHA-256 ${sha256} instead of ` +
          `${artifact.size} bytes with ${artifact.sha256}; nothing was stored`,
        { retryable: true },
      )
    const object = { bucket, name, size, md5, metadata, replace }
    const stored = await upload(object, artifact.path, { gcp, signal, log })
    if (!stored) {
      const there = await existing(object, gcp, signal)
      if (there.size !== String(size) || there.md5Hash !== md5)
        throw new ActionError(
          `gs://${bucket}/${name} is there already, with other content (${there.size} bytes, MD5 ${there.md5Hash}): ` +
            'nothing was stored, nothing overwritten',
        )
    }
    const location = `gs://${bucket}/${name}`
    return done(`stored ${artifact.name} as ${location}`, {
      file: artifact.name,
      bucket,
      key: name,
      location,
      size: String(size),
      sha256,
    })
  },
})
