import { once } from 'node:events'
import { get as getPlain, type IncomingMessage } from 'node:http'
import { get as getSecure } from 'node:https'
import { messageOf } from '@talon/plugin'
import { CONFIG_FILE, readConfig, readTexts } from '@talon/core'
import { ownServer } from '../own-server.ts'
import type { GlobalOptions } from '../command.ts'

/** Milliseconds. A server that takes longer for this answers nobody. */
const PATIENCE = 2_000

/**
 * Asks the server of this machine whether it is alive, and gives 0 where it is, else 1: for the health check of a
 * container that has neither shell nor curl. It reads where the server listens, and loads no plugin.
 */
export async function health({ config: path }: GlobalOptions): Promise<number> {
  const [file] = await readTexts([path ?? CONFIG_FILE], { optional: path === undefined })
  const { config } = readConfig({ ...(file && { file }), env: process.env })
  const url = `${ownServer(config)}/healthz`
  try {
    const status = await statusOf(url)
    if (status === 200) return 0
    console.error(`${url} answers ${status}: is it a Talon server?`)
  } catch (error) {
    console.error(`no server answers at ${url}: ${messageOf(error)}`)
    if (path === undefined) console.error('    its config file, if it has one, is named with -c')
  }
  return 1
}

async function statusOf(url: string): Promise<number | undefined> {
  const signal = AbortSignal.timeout(PATIENCE)
  // The certificate bears the name that others call the server by, not 127.0.0.1; nothing secret is sent.
  const request = url.startsWith('https:')
    ? getSecure(url, { signal, rejectUnauthorized: false })
    : getPlain(url, { signal })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.destroy()
  return response.statusCode
}
