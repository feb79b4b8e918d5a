import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StoredArtifact } from '@talon/plugin'
import { startVersitygw, type Versitygw } from './versitygw.ts'

/** An account that may store and clean up in the bucket, and may not look. */
export const WRITER = { access_key: 'writer', secret_key: 'secret-of-the-writer' }
/** An account that may do nothing. */
export const STRANGER = { access_key: 'stranger', secret_key: 'secret-of-the-stranger' }

/** An S3 server with an empty bucket `evidence`, its accounts, and a spool to store from. */
export interface Evidence {
  readonly server: Versitygw
  /** An artifact that lies in the spool. */
  artifactOf(bytes: Uint8Array): Promise<StoredArtifact>
  /** A key that nothing has. */
  readonly newKey: () => string
  /** What lies in the bucket, read by requests that share nothing with any SDK. */
  read(key: string): Promise<{ readonly status: number; readonly headers: Headers; readonly sha256: string }>
  close(): Promise<void>
}

/** Hexadecimal. */
export const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Starts the server; builds it first where the cache has none. */
export async function openEvidence(): Promise<Evidence> {
  const accounts = Object.fromEntries([WRITER, STRANGER].map(({ access_key, secret_key }) => [access_key, secret_key]))
  const server = await startVersitygw({ buckets: ['evidence'], accounts })
  const answer = await server.fetch('/evidence?policy', { method: 'PUT', body: JSON.stringify(policy) })
  if (!answer.ok) throw new Error(await answer.text())
  const folder = await mkdtemp(join(tmpdir(), 'talon-evidence-'))
  let keys = 0
  return {
    server,
    async artifactOf(bytes) {
      const sha256 = sha256Of(bytes)
      const path = join(folder, sha256)
      await writeFile(path, bytes)
      return { name: 'web-0.log', size: bytes.byteLength, sha256, path, open: () => createReadStream(path) }
    },
    newKey: () => `${keys++}.log`,
    async read(key) {
      const answer = await server.fetch(`/evidence/${key}`, { headers: { 'x-amz-checksum-mode': 'ENABLED' } })
      const sha256 = sha256Of(new Uint8Array(await answer.arrayBuffer()))
      return { status: answer.status, headers: answer.headers, sha256 }
    },
    async close() {
      await server.close()
      await rm(folder, { recursive: true })
    },
  }
}

const allow = (resource: string, ...actions: string[]) => ({
  ...{ Effect: 'Allow', Principal: { AWS: [WRITER.access_key] } },
  ...{ Action: actions, Resource: [`arn:aws:s3:::evidence${resource}`] },
})
const policy = {
  Version: '2012-10-17',
  Statement: [allow('/*', 's3:PutObject', 's3:AbortMultipartUpload'), allow('', 's3:ListBucketMultipartUploads')],
}
