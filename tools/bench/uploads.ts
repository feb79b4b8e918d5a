import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { builtBinary } from '../cluster/binaries.ts'
import { startVersitygw } from '../counterparts/versitygw.ts'
import type { Bench, Row } from './row.ts'

const GIB = 2 ** 30
const SIZE = 2 * GIB
/** MB. */
const AIM = 100

/** What an upload of 2 GiB takes of memory, over what the process held before: to an S3 server on this machine. */
export const uploads: Bench = {
  name: 'uploads',
  missing: (await builtBinary('versitygw')) ? undefined : 'versitygw, which the tests of packages/output-s3 build',
  async run() {
    const server = await startVersitygw({ buckets: ['evidence'] })
    const { region, endpoint, url, accessKey: access_key, secretKey: secret_key } = server
    const measure = async (output: string, settings: object): Promise<Row> => {
      const script = join(import.meta.dirname, 'upload.ts')
      const args = ['--conditions=@talon/source', script, output, JSON.stringify(settings), String(SIZE)]
      const { stdout } = await promisify(execFile)(process.execPath, args, {
        env: { ...process.env, AWS_ENDPOINT_URL_S3: url },
      })
      const { before, most, seconds } = JSON.parse(stdout) as { before: number; most: number; seconds: number }
      // Both outputs store under one key, and overwrite nothing.
      await server.fetch(`/evidence/${SIZE}`, { method: 'DELETE' })
      await server.fetch(`/evidence/${32 * 2 ** 20}`, { method: 'DELETE' })
      return {
        what: `memory of an upload of ${SIZE / GIB} GiB through \`${output}\` (${Math.round(seconds)} s)`,
        measured: `${Math.round(most)} MB`,
        baseline: `before it: ${Math.round(before)} MB`,
        result: `+${Math.round(most - before)} MB`,
        aim: `< ${AIM} MB more`,
        met: most - before < AIM,
      }
    }
    try {
      return [
        await measure('aws:s3', { region, access_key, secret_key }),
        await measure('minio:s3', { endpoint, access_key, secret_key }),
      ]
    } finally {
      await server.close()
    }
  },
}
