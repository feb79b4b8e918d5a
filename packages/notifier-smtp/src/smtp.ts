import { defineNotifier, done } from '@talon/plugin'
import { z } from 'zod'
import { hostPort, isLoopback, mailbox, mailboxes } from './address.ts'
import { mailer } from './mailer.ts'
import { mailOf } from './message.ts'
import type { Server } from './server.ts'
import { cut, visible } from './visible.ts'

const IMPLICIT_TLS = 465

const parameters = z
  .object({
    host_port: hostPort.describe('Mail server and its port: mail.example.org:587'),
    from: mailbox
      .optional()
      .describe('Sender: talon@example.org, or Talon <talon@example.org>; `user` where that is an address'),
    to: mailboxes.describe('Recipients, comma separated'),
    user: z.string().optional().describe('User to log in with; nobody logs in where missing'),
    password: z.string().optional().meta({ secret: true }).describe('Password of `user`'),
    format: z
      .enum(['html', 'text'])
      .default('html')
      .describe('html: HTML and plain text in one mail; text: plain text'),
    tls: z.boolean().default(false).describe('Whether nothing is sent without TLS'),
    implicit_tls: z
      .boolean()
      .optional()
      .describe('Whether TLS begins with the first byte, not by STARTTLS; true on port 465 where missing'),
    plaintext_auth: z
      .boolean()
      .default(false)
      .describe('Whether user and password may be sent without TLS to another machine'),
  })
  .refine(({ user, password }) => user === undefined || password !== undefined, {
    path: ['password'],
    error: 'is missing, and there is a user',
  })

/** Mails what came of actions and outputs. */
export const smtp = defineNotifier({
  name: 'smtp',
  summary: 'Mail each result, several at once in one mail',
  notes: `A mail tells one result with all of its event, or, in a burst, up to 20 results in short.

TLS: on port 465, or with \`implicit_tls\`, from the first byte; else by STARTTLS where the server offers it. With \`tls\`
or a \`user\` the server must offer it and its certificate must be trusted: a password never leaves the machine without
TLS, unless \`plaintext_auth\` allows it. Where TLS is not asked for, it hides the mail from listeners and does not prove who the
server is, except where \`smtp.ca_file\` says whom to trust. The section \`smtp\` of the config file takes \`ca_file\`,
\`cert_file\` and \`key_file\`.

The Message-ID comes from the results: a mail that is delivered a second time, after a broken connection, bears the
same. Mails of one event refer to it, so that programs show them as a thread. Filters can go by \`X-Talon-Status\`,
\`X-Talon-Rule\`, \`X-Talon-Actionner\`, \`X-Talon-Trace-Id\` and \`X-Falco-Priority\`; Critical and above is sent with high
priority.

After an answer of 4xx, a timeout or a broken connection it is tried again; not after 5xx. Where the server takes some
recipients and refuses others, the mail counts as sent, and the log names the others.`,
  batch: 20,
  uses: { mailer },
  parameters,
  examples: [
    {
      title: 'Mail two people through a relay that wants a password',
      parameters: {
        host_port: 'mail.example.org:587',
        from: 'Talon <talon@example.org>',
        to: 'security@example.org, oncall@example.org',
        user: 'talon@example.org',
        password: '<the password>',
        tls: true,
      },
    },
  ],
  async run({ reports, parameters, signal, log }, { mailer }) {
    const { to, format } = parameters
    const mail = mailOf(reports, { from: senderOf(parameters), to, format })
    const { response, refused } = await mailer.send(serverOf(parameters), mail, signal)
    if (refused.length) log.warn('a mail server refused some of the recipients', { notifier: 'smtp', refused })
    const { host, port } = parameters.host_port
    const among = refused.length ? `${to.length - refused.length} of ${to.length}` : String(to.length)
    return done(`mailed ${among} through ${host}:${port}, which answered ${visible(cut(response, 200))}`)
  },
})

type Parameters = z.output<typeof parameters>

function serverOf({ host_port, tls, implicit_tls, user, password, plaintext_auth }: Parameters): Server {
  const { host, port } = host_port
  const mayShow = plaintext_auth || isLoopback(host)
  return {
    host,
    port,
    implicit: implicit_tls ?? port === IMPLICIT_TLS,
    secure: tls || (user !== undefined && !mayShow),
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
  }
}

function senderOf({ from, user }: Parameters) {
  if (from) return from
  const own = user === undefined ? undefined : mailbox.safeParse(user).data
  return own ?? { name: 'Talon', address: 'falco-talon@localhost' }
}
