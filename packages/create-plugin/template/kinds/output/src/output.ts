import { defineOutput, done, objectKey, prefix } from '@talon/plugin'
import { z } from 'zod'
import { service } from './service.ts'

/** Stores artifacts with the service. */
export const output = defineOutput({
  name: '__NAME__',
  summary: 'Store the artifact with the service',
  uses: { service },
  // `prefix` refuses what climbs out of a folder, and makes each token in it one clean part.
  parameters: z.object({ prefix }),
  examples: [{ title: 'A folder for each namespace', parameters: { prefix: 'talon/${K8S_NS_NAME}' } }],
  async run({ artifact, key, parameters, signal }, { service }) {
    const path = objectKey(parameters.prefix, key)
    // A key is of one artifact alone: asked again after a failure, the same bytes take the same place.
    await service.request(path.split('/').map(encodeURIComponent).join('/'), {
      method: 'PUT',
      headers: { 'x-sha256': artifact.sha256 },
      // A stream: an artifact may be larger than the memory.
      body: ReadableStream.from(artifact.open()),
      duplex: 'half',
      signal,
    })
    return done(`${artifact.name} is stored as ${path}`, { file: artifact.name, destination: path })
  },
})
