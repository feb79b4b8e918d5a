import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { binary } from '../cluster/binaries.ts'
import { freePort } from './free-port.ts'

/** A mail as it came. */
export interface Received {
  readonly from: string
  /** Addresses of the header To. */
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
  /** Empty where there is no such part. */
  readonly html: string
  /** By name, as they are decoded: a header may come several times. */
  readonly headers: Readonly<Record<string, readonly string[]>>
  /** The whole mail, as it was sent. */
  readonly raw: string
}

/** A mail server on loopback, as its own process, that keeps what it gets. */
export interface Mailpit {
  readonly host: string
  readonly port: number
  /** All mails, the first that came first. */
  mails(): Promise<Received[]>
  /** Answers every login, sender or recipient with this code from now on; none: as usual. */
  refuse(what: 'Authentication' | 'Sender' | 'Recipient', code?: number): Promise<void>
  close(): Promise<void>
}

export interface MailpitOptions {
  /** Files of a certificate and its key, and whether TLS is offered, asked for, or there from the first byte. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly mode: 'offered' | 'required' | 'implicit' }
  /** Who must log in. */
  readonly login?: { readonly user: string; readonly password: string }
  /** Recipients that are taken; all where missing. */
  readonly recipients?: RegExp
}

/** Starts a mail server; builds it first where the cache has none. Rejects where Go is missing. */
export async function startMailpit({ tls, login, recipients }: MailpitOptions = {}): Promise<Mailpit> {
  const program = await binary('mailpit')
  const folder = mkdtempSync(join(tmpdir(), 'talon-mailpit-'))
  const logins = join(folder, 'logins')
  if (login) writeFileSync(logins, `${login.user}:${login.password}\n`)
  const [host, port] = ['127.0.0.1', await freePort()]
  const web = `${host}:${await freePort()}`
  const MODES = { offered: [], required: ['--smtp-require-starttls'], implicit: ['--smtp-require-tls'] }
  const args = [
    ...['--smtp', `${host}:${port}`, '--listen', web, '--database', join(folder, 'mails.db')],
    ...['--disable-version-check', '--smtp-disable-rdns', '--enable-chaos', '--smtp-strict-rfc-headers'],
    ...(tls ? ['--smtp-tls-cert', tls.cert, '--smtp-tls-key', tls.key, ...MODES[tls.mode]] : []),
    ...(login ? ['--smtp-auth-file', logins, ...(tls ? [] : ['--smtp-auth-allow-insecure'])] : []),
    ...(recipients ? ['--smtp-allowed-recipients', recipients.source] : []),
  ]
  let said = ''
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += String(chunk)))
  const exited = once(child, 'exit')
  const api = `http://${web}/api/v1`
  for (;;) {
    if (child.exitCode !== null) throw new Error(`mailpit ended with ${child.exitCode}:\n${said}`)
    if (
      await fetch(`http://${web}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      break
    await sleep(20)
  }

  const read = async <T>(path: string) => (await (await fetch(api + path)).json()) as T
  async function mail(id: string): Promise<Received> {
    interface Person {
      readonly Address: string
    }
    const [message, headers, raw] = await Promise.all([
      read<{ From: Person; To: Person[]; Subject: string; Text: string; HTML: string }>(`/message/${id}`),
      read<Record<string, string[]>>(`/message/${id}/headers`),
      fetch(`${api}/message/${id}/raw`).then((answer) => answer.text()),
    ])
    const { From, To, Subject: subject } = message
    const [text, html] = [message.Text, message.HTML].map((part) => part.replaceAll('\r\n', '\n')) as [string, string]
    return { from: From.Address, to: To.map(({ Address }) => Address), subject, text, html, headers, raw }
  }

  return {
    host,
    port,
    async mails() {
      const { messages } = await read<{ messages: { ID: string }[] }>('/messages?limit=500')
      return Promise.all(messages.toReversed().map(({ ID }) => mail(ID)))
    },
    async refuse(what, code) {
      const trigger = { ErrorCode: code ?? 451, Probability: code === undefined ? 0 : 100 }
      const answer = await fetch(`${api}/chaos`, { method: 'PUT', body: JSON.stringify({ [what]: trigger }) })
      if (!answer.ok) throw new Error(`mailpit answered ${answer.status}: ${await answer.text()}`)
    },
    async close() {
      child.kill('SIGKILL')
      await exited
      rmSync(folder, { recursive: true })
    },
  }
}
