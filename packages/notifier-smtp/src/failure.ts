import { ActionError, TalonError } from '@talon/plugin'
import type { NodemailerError } from 'nodemailer'
import type { Server } from './mailer.ts'
import { cut, visible } from './visible.ts'

const UNTRUSTED = /^(UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED)/
const TLS = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|EPROTO)/

/** What kept a mail from being taken, with what to do. Codes of 5xx and what TLS refuses stay so; the rest may pass. */
export function failureOf(thrown: unknown, server: Server): TalonError {
  if (TalonError.is(thrown)) return thrown
  const error = thrown as NodemailerError
  const { code = '', originalCode = '', responseCode } = error
  const reason = originalCode || code
  const upgrade = code === 'ETLS' && responseCode !== undefined
  const secret = TLS.test(reason)
  const said = responseCode === undefined ? `cannot be reached: ${error.message}` : `answered ${error.response ?? ''}`
  const advice = upgrade ? withoutTls(server) : (adviceOf(error) ?? tlsAdvice(reason, error, server))
  const message = `${server.host}:${server.port} ${tidy(said, server)}${advice && `; ${advice}`}`
  const final = secret || error.permanent || (responseCode === undefined && /^(EENVELOPE|EMESSAGE|EAUTH)$/.test(code))
  return new ActionError(message, { retryable: !final })
}

/** No whole answer in time. */
export function overdue({ host, port }: Server): ActionError {
  return new ActionError(`${host}:${port} did not take the mail in time`, { retryable: true })
}

function withoutTls({ user }: Server): string {
  const why = user === undefined ? 'notifiers.smtp.tls is true' : 'a password is sent over TLS alone'
  return `it offers no STARTTLS, and ${why}: for TLS from the first byte set notifiers.smtp.implicit_tls`
}

function adviceOf({ code, command = '', responseCode = 0, permanent }: NodemailerError): string | undefined {
  if (!permanent) return undefined
  if (code === 'EAUTH')
    return 'check notifiers.smtp.user and notifiers.smtp.password; many providers want a password made for programs'
  if (responseCode === 530) return 'it wants TLS or a user: set notifiers.smtp.tls, or notifiers.smtp.user and password'
  if (command === 'MAIL FROM') return 'it takes no mail from this sender: check notifiers.smtp.from'
  if (command === 'RCPT TO') return 'it takes no mail for these people: check notifiers.smtp.to'
  return undefined
}

function tlsAdvice(reason: string, { timeoutType }: NodemailerError, { implicit }: Server): string {
  if (UNTRUSTED.test(reason)) return 'put the CA that signed its certificate into smtp.ca_file'
  if (reason.includes('CERTIFICATE_REQUIRED')) return 'it wants a certificate: set smtp.cert_file and smtp.key_file'
  if (reason.includes('ALTNAME')) return 'notifiers.smtp.host_port must be a name that its certificate holds'
  if (implicit && /WRONG_VERSION_NUMBER|EPROTO/.test(reason))
    return 'it does not begin with TLS: set notifiers.smtp.implicit_tls to false'
  if (!implicit && timeoutType === 'GREETING_TIMEOUT')
    return 'where it begins with TLS, set notifiers.smtp.implicit_tls to true'
  return ''
}

/** Characters of an answer that an error repeats. */
const EXCERPT = 300

/** On one line, and without the password, should a server repeat it. */
function tidy(text: string, { user = '', password }: Server): string {
  let shown = text
  if (password)
    for (const secret of [Buffer.from(`\0${user}\0${password}`).toString('base64'), btoa8(password), password])
      shown = shown.replaceAll(secret, '***')
  return visible(cut(shown.replace(/\s+/g, ' ').trim(), EXCERPT))
}

const btoa8 = (text: string) => Buffer.from(text).toString('base64')
