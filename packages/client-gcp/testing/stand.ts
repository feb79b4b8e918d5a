import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished, vi } from 'vitest'
import { gcp, type Gcp, type GcpRequest } from '../src/index.ts'
import { PROJECT, startGoogle } from './google.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }

/** A mock of Google Cloud, and ways to ask it by a client of the test. */
export interface Stand {
  readonly google: Awaited<ReturnType<typeof startGoogle>>
  /** Empty. */
  readonly folder: string
  /** A client, open until the test ends. */
  readonly open: (settings?: object) => Promise<Gcp>
  /** One with the key of the account that the mock knows, or with parts of the key changed. */
  readonly withAccount: (over?: object) => Promise<Gcp>
  /** Asks for a function, and for nothing that a token is not needed for. */
  readonly ask: (client: Gcp, over?: Partial<GcpRequest>) => ReturnType<Gcp['send']>
  /** How many tokens were asked for with an assertion. */
  readonly tokens: () => number
}

/** A signal that never comes. */
export const signal = () => new AbortController().signal

/** Opens it until the test ends. Nothing of this machine is asked: neither gcloud's files nor a metadata server. */
export async function openStand(): Promise<Stand> {
  const google = await startGoogle()
  const folder = mkdtempSync(join(tmpdir(), 'talon-gcp-'))
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', undefined)
  vi.stubEnv('CLOUDSDK_CONFIG', folder)
  vi.stubEnv('GCE_METADATA_HOST', new URL(google.url).host)
  onTestFinished(async () => {
    vi.unstubAllEnvs()
    await google.close()
    rmSync(folder, { recursive: true })
  })
  const open = async (settings: object = {}) => {
    const client = await gcp.open(gcp.settings.parse(settings), { log })
    onTestFinished(() => client.close())
    return client
  }
  return {
    ...{ google, folder, open },
    withAccount: (over = {}) => open({ credentials_path: google.writeCredentials(join(folder, 'key.json'), over) }),
    ask: (client, over = {}) =>
      client.send({
        purpose: 'it failed',
        url: `${google.url}/v2/projects/${PROJECT}/locations/us-central1/functions/isolate`,
        method: 'GET',
        signal: signal(),
        ...over,
      }),
    tokens: () => google.asked.filter(({ path }) => path === '/token').length,
  }
}
