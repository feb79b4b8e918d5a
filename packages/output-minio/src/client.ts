import * as http from 'node:http'
import * as https from 'node:https'
import { ConfigError, defineClient } from '@talon/plugin'
import type { Client } from 'minio'
import { z } from 'zod'
import { codeOf, failure } from './failure.ts'
import { patient } from './patient.ts'
import { regionOf } from './region.ts'

/** A server that speaks S3, and who asks it. */
export interface Minio {
  /**
   * A client whose requests all end with the signal. The library knows no signals, so there is one client a job.
   * @param region where the server is, if that is known
   */
  connect(signal: AbortSignal, region?: string): Client
  close(): void
}

/** Milliseconds without a byte in either direction after which a server is given up: MinIO itself waits 30 s for a disk. */
const SILENCE = 60_000

/** Bytes of a body that is not sent before the server wants it; less arrives in one go anyway. */
const LARGE = 64 * 1024

/** MinIO, through its own library. */
export const minio = defineClient({
  name: 'minio',
  summary: 'MinIO, or another server that speaks S3',
  settings: z.object({
    endpoint: z.string('is missing: give the host and port of the server').describe('Host and port, without `http://`'),
    access_key: z.string('is missing').meta({ secret: true }).describe('Access key'),
    secret_key: z.string('is missing').meta({ secret: true }).describe('Secret key'),
    use_ssl: z
      .boolean()
      .default(false)
      .describe('Whether TLS is used; a CA of your own is trusted through NODE_EXTRA_CA_CERTS'),
  }),
  async open({ endpoint, access_key, secret_key, use_ssl }): Promise<Minio> {
    const { hostname, port } = addressOf(endpoint)
    const { Client } = await import('minio')
    const { Agent, request } = use_ssl ? https : http
    const agent = new Agent({ keepAlive: true })
    const connect = (signal: AbortSignal, region?: string) => {
      const bound = (options: https.RequestOptions, answered: (answer: http.IncomingMessage) => void) => {
        const headers = options.headers as http.OutgoingHttpHeaders
        const large = Number(headers['content-length']) > LARGE
        // Not before it is signed: a proxy may take the header away.
        if (large) headers['expect'] = '100-continue'
        const asked = request({ ...options, signal, timeout: SILENCE }, answered)
        asked.on('timeout', () => asked.destroy(silent()))
        return large ? patient(asked) : asked
      }
      const client = new Client({
        endPoint: hostname.replaceAll(/[[\]]/g, ''),
        port: Number(port) || (use_ssl ? 443 : 80),
        useSSL: use_ssl,
        ...(region && { region }),
        accessKey: access_key,
        secretKey: secret_key,
        transportAgent: agent,
        // The library ends or pipes what it gets, and listens for its errors: a stream will do.
        transport: { request: bound as unknown as typeof http.request },
        // Core alone tries again.
        retryOptions: { disableRetry: true },
      })
      // Over TLS the library would leave the content unsigned. Signed, the server refuses it where it broke on the way.
      client.enableSHA256 = true
      return client
    }
    return { connect, close: () => agent.destroy() }
  },
  close: (client) => client.close(),
  async check(client, signal) {
    try {
      await client.connect(signal).listBuckets()
    } catch (error) {
      // Whoever may only write may list no buckets, and is known all the same. So is a server of another region.
      if (codeOf(error) === 'AccessDenied' || regionOf(error) !== undefined) return
      const failed = failure(error, 'MinIO', 's3:ListAllMyBuckets')
      // An outage is waited for. What takes a person is not: it would hold up events without a word to them.
      throw failed.retryable ? failed : new ConfigError(failed.message)
    }
  },
})

function silent(): Error {
  return Object.assign(new Error(`the server was silent for ${SILENCE / 1000} s`), { code: 'ETIMEDOUT' })
}

function addressOf(endpoint: string): URL {
  const url = URL.canParse(`tcp://${endpoint}`) ? new URL(`tcp://${endpoint}`) : undefined
  if (!url?.hostname || url.host !== endpoint.toLowerCase())
    throw new ConfigError(
      `minio.endpoint: ${JSON.stringify(endpoint)} is no host and port: write minio.example.org:9000, and say TLS with use_ssl`,
    )
  return url
}
