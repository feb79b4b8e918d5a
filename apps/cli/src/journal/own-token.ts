import { readFile } from 'node:fs/promises'
import type { AuthClient, Role } from '@talon/core'

/**
 * The token of a client in the config file that may do all of this: who can read it here, in the server's own pod, need
 * not be told it. Undefined where there is none; the server says then what is missing.
 */
export async function ownToken(clients: readonly AuthClient[], roles: readonly Role[]): Promise<string | undefined> {
  const able = clients.filter(
    (client) => roles.every((role) => client.roles.includes(role)) && !(Date.parse(client.expires ?? '') <= Date.now()),
  )
  for (const { token, token_file: file } of able) {
    const found = token ?? (file && (await readFile(file, 'utf8').catch(() => '')).trimEnd())
    if (found) return found
  }
  return undefined
}
