import { ConfigError } from '@talon/plugin'
import type { JournalSource, Line } from './source.ts'

/** Milliseconds for one call. */
const TIMEOUT = 10_000

/** What was written may hold a password: it is not shown. */
const NO_URL = '--server is no URL of a server: write http://talon:2803, or https://name:password@talon:2803'

function urlOf(address: string): URL {
  if (URL.canParse(address)) return new URL(address)
  throw new ConfigError(NO_URL)
}

/**
 * The journal of a server that runs. Undefined where nothing listens at its address.
 * @param address may hold a name and a password: `https://soc:secret@talon:2803`
 * @param token sent as Bearer where the address holds none
 */
export async function overHttp(address: string, token?: string): Promise<JournalSource | undefined> {
  const { origin: server, protocol, username, password } = urlOf(address)
  if (!/^https?:$/.test(protocol)) throw new ConfigError(NO_URL)
  const basic = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  const authorization = username ? `Basic ${basic}` : token && `Bearer ${token}`
  const ask = async (method: string, path: string): Promise<{ status: number; body: Record<string, unknown> }> => {
    const response = await fetch(new URL(`/-/journal${path}`, server), {
      method,
      signal: AbortSignal.timeout(TIMEOUT),
      headers: authorization ? { authorization } : {},
    }).catch((error: unknown) => {
      if (!(error instanceof Error) || error.name !== 'TimeoutError') throw error
      throw new ConfigError(`${server} does not answer within ${TIMEOUT / 1000} s: is it the address of a server?`)
    })
    const body = (await response.json().catch(() => ({}))) as Record<string, unknown>
    if (response.ok || response.status === 404) return { status: response.status, body }
    throw new ConfigError(
      `${server} answered ${response.status}: ${typeof body['error'] === 'string' ? body['error'] : 'is it a Talon server?'}`,
    )
  }
  const at = (id: string) => `/${encodeURIComponent(id)}`
  try {
    await ask('GET', '?limit=1')
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const { code, message } = (error.cause ?? {}) as NodeJS.ErrnoException
    if (code === undefined || code === 'ECONNREFUSED') return undefined
    throw new ConfigError(`${server} cannot be reached: ${message}`)
  }
  return {
    async list({ state, limit }) {
      const { body } = await ask('GET', `?limit=${limit}${state ? `&state=${state}` : ''}`)
      return (body['entries'] ?? []) as Line[]
    },
    async show(id) {
      const { status, body } = await ask('GET', at(id))
      return status === 404 ? undefined : body
    },
    retry: async (id) => (await ask('POST', `${at(id)}/retry`)).status !== 404,
    drop: async (id) => (await ask('DELETE', at(id))).status !== 404,
    close: async () => {},
  }
}
