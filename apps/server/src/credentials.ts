import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { AuthClient } from '@talon/core'
import { ConfigError, type Issue, type Logger } from '@talon/plugin'

/** A client with its secrets at hand; of passwords and tokens their SHA-256, so that comparing takes the same time for all. */
export interface Known extends Pick<AuthClient, 'name' | 'roles' | 'certificate'> {
  readonly password?: Buffer
  readonly token?: Buffer
  readonly secret?: string
  /** Epoch milliseconds. */
  readonly expires: number
}

export interface Credentials {
  /** Who is known now. */
  readonly known: readonly Known[]
  /** Files to watch. */
  readonly files: readonly string[]
  /** Reads the files again. What cannot be read stays as it was, and the log says so. */
  look(): Promise<void>
}

const WAYS = ['password', 'token', 'secret'] as const

export const digest = (text: string) => createHash('sha256').update(text).digest()

/** Reads the secrets of the clients. @throws ConfigError that lists the files which cannot be read. */
export async function openCredentials(clients: readonly AuthClient[], log: Logger): Promise<Credentials> {
  const files = clients.flatMap((client) => WAYS.flatMap((way) => client[`${way}_file`] ?? []))
  const first = await read(clients)
  if (first.issues.length) throw new ConfigError(first.issues)
  let { known } = first
  return {
    get known() {
      return known
    },
    files,
    async look() {
      const again = await read(clients)
      for (const { message } of again.issues) log.warn(message, { effect: 'the secrets that were read before stay' })
      if (!again.issues.length) ({ known } = again)
    },
  }
}

async function read(clients: readonly AuthClient[]): Promise<{ known: Known[]; issues: Issue[] }> {
  const issues: Issue[] = []
  const known = await Promise.all(
    clients.map(async (client): Promise<Known> => {
      const { name, roles, certificate, expires } = client
      const values = await Promise.all(WAYS.map((way) => secretOf(client, way, issues)))
      const [password, token, secret] = values
      if (!certificate && values.every((value) => value === undefined) && !issues.length)
        issues.push({
          level: 'error',
          message: `auth.clients: ${name} has nothing to prove itself by: give it a password, a token, a secret or a certificate`,
        })
      return {
        name,
        roles,
        ...(certificate && { certificate }),
        ...(password !== undefined && { password: digest(password) }),
        ...(token !== undefined && { token: digest(token) }),
        ...(secret !== undefined && { secret }),
        expires: expires === undefined ? Infinity : Date.parse(expires),
      }
    }),
  )
  return { known, issues }
}

async function secretOf(client: AuthClient, way: (typeof WAYS)[number], issues: Issue[]): Promise<string | undefined> {
  const path = client[`${way}_file`]
  if (path === undefined) return client[way]
  try {
    const value = (await readFile(path, 'utf8')).trimEnd()
    if (value) return value
    issues.push({ level: 'error', message: `auth.clients: ${way}_file of ${client.name}: ${path} is empty` })
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error)
    issues.push({
      level: 'error',
      message: `auth.clients: ${way}_file of ${client.name}: ${path} cannot be read (${reason})`,
    })
  }
  return undefined
}
