import { ActionError, ConfigError } from '@talon/plugin'

/** Milliseconds for all requests together. It is one hop away, or not there. */
const TIMEOUT = 1000
/** Bytes of an answer. */
const ANSWER = 16 * 1024
/** Seconds that the token lives; it is used for this one reading. */
const LIFETIME = '60'
const WAY_OUT = "elsewhere, take 'aws' out of additional_contexts"

/**
 * Where the service is, by the variables that the SDKs know.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html
 * @throws ConfigError where it is turned off, or no URL
 */
export function endpointOf(env: Readonly<Record<string, string | undefined>>): string {
  if (env['AWS_EC2_METADATA_DISABLED']?.toLowerCase() === 'true')
    throw new ConfigError(
      'AWS_EC2_METADATA_DISABLED turns the instance metadata service off, which the context aws needs',
    )
  const usual =
    env['AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE']?.toLowerCase() === 'ipv6' ? '[fd00:ec2::254]' : '169.254.169.254'
  const endpoint = env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] || `http://${usual}`
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol))
    throw new ConfigError(`AWS_EC2_METADATA_SERVICE_ENDPOINT: '${endpoint}' is no http:// URL`)
  return endpoint.replace(/\/+$/, '')
}

/** Reads an entry below /latest/meta-data/; undefined where the instance does not have it. */
export type Get = (entry: string) => Promise<string | undefined>

/** Opens a session of version 2: nothing is told without a token. @throws ActionError */
export async function openSession(endpoint: string): Promise<Get> {
  const signal = AbortSignal.timeout(TIMEOUT)
  const ask = async (path: string, init: RequestInit): Promise<string | undefined> => {
    try {
      const response = await fetch(`${endpoint}/latest/${path}`, { ...init, signal, redirect: 'error' })
      if (response.ok) return await textOf(response)
      await response.body?.cancel()
      if (response.status === 404) return undefined
      throw refused(response.status)
    } catch (error) {
      throw error instanceof ActionError ? error : unreachable(endpoint, error)
    }
  }
  const token = await ask('api/token', { method: 'PUT', headers: { 'X-aws-ec2-metadata-token-ttl-seconds': LIFETIME } })
  if (!token) throw new ActionError(`${endpoint} gives no session tokens: it is no metadata service of EC2; ${WAY_OUT}`)
  return (entry) => ask(`meta-data/${entry}`, { headers: { 'X-aws-ec2-metadata-token': token } })
}

async function textOf({ body }: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > ANSWER) throw new ActionError('the instance metadata service answers more than it should')
  }
  return text
}

function refused(status: number): ActionError {
  const advice = status === 403 ? '; turn it on for this instance (HttpEndpoint: enabled)' : ''
  return new ActionError(`the instance metadata service answered ${status}${advice}`, { retryable: status >= 500 })
}

function unreachable(endpoint: string, error: unknown): ActionError {
  if ((error as Error).name === 'TimeoutError')
    return new ActionError(
      `the instance metadata service at ${endpoint} did not answer within ${TIMEOUT / 1000} s: on EC2, let pods reach it (a hop limit of 2, HttpPutResponseHopLimit), or give Talon the host's network; ${WAY_OUT}`,
      { cause: error, retryable: true },
    )
  const { cause } = error as { cause?: { message?: string; code?: string } }
  const reason = cause?.message || cause?.code || String(error)
  return new ActionError(
    `the instance metadata service at ${endpoint} cannot be reached: ${reason}; on EC2, look for network policies that block it; ${WAY_OUT}`,
    { cause: error, retryable: true },
  )
}
