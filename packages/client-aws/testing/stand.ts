import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { onTestFinished, vi } from 'vitest'
import type { z } from 'zod'
import { startAwsMock, type AwsMock } from '../../../apps/server-e2e/src/aws-mock.ts'
import { aws, type Aws } from '../src/index.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }
type Settings = z.input<typeof aws.settings>

/** A mock of AWS, and ways to ask it by a client of the test. */
export interface Stand {
  readonly mock: AwsMock
  /** Empty, but for the SDK's own files that a test writes into it: `credentials`, `config`. */
  readonly folder: string
  /** The settings of an access key that the mock knows. */
  readonly keys: { readonly access_key: string; readonly secret_key: string }
  /** A client, open until the test ends. */
  readonly open: (settings?: Settings) => Promise<Aws>
}

/** Opens it until the test ends. Nothing of this machine is there: no credentials, no files, no metadata service. */
export async function openStand(): Promise<Stand> {
  const mock = await startAwsMock()
  const folder = mkdtempSync(join(tmpdir(), 'talon-aws-'))
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_ENDPOINT_URL', mock.url)
  vi.stubEnv('AWS_ENDPOINT_URL_STS', mock.url)
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'credentials'))
  vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'))
  onTestFinished(async () => {
    vi.useRealTimers()
    vi.unstubAllEnvs()
    await mock.close()
    rmSync(folder, { recursive: true })
  })
  return {
    ...{ mock, folder },
    keys: { access_key: mock.accessKey, secret_key: mock.secretKey },
    async open(settings = {}) {
      const client = await aws.open(aws.settings.parse({ region: mock.region, ...settings }), { log })
      onTestFinished(() => client.close())
      return client
    },
  }
}

/** Asks a service of AWS, and gives the access key that it was asked with. */
export async function askedWith(client: Aws): Promise<string | undefined> {
  const sts = await client.service('sts', async () => STSClient)
  return (await sts.send(new GetCallerIdentityCommand({}))).UserId
}

/** Milliseconds. */
export const MINUTE = 60_000

/** Lets that much time pass on the clock, which the test has made a fake. */
export function passes(milliseconds: number): void {
  vi.setSystemTime(Date.now() + milliseconds)
}
