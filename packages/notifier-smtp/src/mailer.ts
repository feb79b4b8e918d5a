import { certificateSettings, readCertificates } from '@talon/client-http'
import { defineClient } from '@talon/plugin'
import { failureOf, overdue } from './failure.ts'
import type { Mail } from './message.ts'
import type { Server } from './server.ts'

/** What became of a mail that the server took. */
export interface Sent {
  /** The server's last words. */
  readonly response: string
  /** Recipients that the server did not take, while it took others: each with its reason. */
  readonly refused: readonly string[]
}

/** Mail, over connections that are kept. */
export interface Mailer {
  /** Sends once and never tries again: that is core's. @throws ActionError where no recipient gets it. */
  send(server: Server, mail: Mail, signal: AbortSignal): Promise<Sent>
  close(): void
}

/** Milliseconds for each wait; the whole is bounded by the run's own time. */
const WAIT = 10_000
/** Milliseconds that an idle connection is kept: servers end theirs after a minute or more. */
const IDLE = 30_000
const CONNECTIONS = 2

/** Mail servers. One pool is kept: there is one notifier, and other settings are a new pool's. */
export const mailer = defineClient({
  name: 'smtp',
  summary: 'Connections to a mail server, kept between mails, with own certificates',
  settings: certificateSettings,
  async open(files): Promise<Mailer> {
    const certificates = await readCertificates('smtp', files)
    const { createTransport } = await import('nodemailer')

    const connect = ({ host, port, implicit, secure, user, password = '' }: Server) =>
      createTransport({
        pool: true,
        host,
        port,
        secure: implicit,
        requireTLS: secure,
        ...(user !== undefined && { auth: { user, pass: password } }),
        // Where TLS is not asked for, the choice is between a server that nobody vouches for and no TLS at all.
        tls: {
          minVersion: 'TLSv1.2',
          rejectUnauthorized: secure || implicit || certificates.ca !== undefined,
          ...certificates,
        },
        maxConnections: CONNECTIONS,
        maxRequeues: 0,
        idleTimeout: IDLE,
        connectionTimeout: WAIT,
        greetingTimeout: WAIT,
        socketTimeout: WAIT,
        dnsTimeout: WAIT,
        disableFileAccess: true,
        disableUrlAccess: true,
      })

    let pool: { readonly of: string; readonly transport: ReturnType<typeof connect> } | undefined
    const transportOf = (server: Server) => {
      const of = JSON.stringify(server)
      if (pool?.of === of) return pool.transport
      pool?.transport.close()
      pool = { of, transport: connect(server) }
      return pool.transport
    }
    return {
      async send(server, mail, signal) {
        const { references, to, ...rest } = mail
        try {
          const { response, rejectedErrors = [] } = await transportOf(server).sendMail({
            ...rest,
            to: [...to],
            references: [...references],
            signal,
          })
          return { response, refused: rejectedErrors.map(({ recipient, response }) => `${recipient}: ${response}`) }
        } catch (error) {
          // The run's own timeout is as good a reason to try again as a slow server; every other end is its own reason.
          if (signal.aborted && (signal.reason as Error | undefined)?.name === 'TimeoutError') throw overdue(server)
          signal.throwIfAborted()
          throw failureOf(error, server)
        }
      },
      close: () => pool?.transport.close(),
    }
  },
  close: (client) => client.close(),
})
