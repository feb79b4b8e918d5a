import { ActionError, connectionFault, TalonError, type ConnectionFault } from '@talon/plugin'
import type { NodemailerError } from 'nodemailer'
import type { Server } from './server.ts'
import { cut, visible } from './visible.ts'

/** What nodemailer itself finds wrong with a mail or a login, before the server is asked. */
const OWN = /^(EENVELOPE|EMESSAGE|EAUTH)$/

/** What kept a mail from being taken, and what to do. 5xx and what TLS refuses stay so; the rest may pass. */
export function failureOf(thrown: unknown, server: Server): TalonError {
  if (TalonError.is(thrown)) return thrown
  const error = thrown as NodemailerError
  const { code = '', originalCode = code, responseCode, response = '' } = error
  const answered = responseCode !== undefined
  const fault = connectionFault({ code: originalCode })
  const said = tidy(answered ? `answered ${response}` : `cannot be reached: ${wordsOf(error)}`, server)
  const advice = answered ? answerAdvice(error, server) : connectionAdvice(fault, error, server)
  const final = answered ? error.permanent : fault.tls || OWN.test(code)
  return new ActionError(`${server.host}:${server.port} ${said}${advice && `; ${advice}`}`, { retryable: !final })
}

/** No whole answer in time. */
export function overdue({ host, port }: Server): ActionError {
  return new ActionError(`${host}:${port} did not take the mail in time`, { retryable: true })
}

function answerAdvice({ code, command = '', responseCode, permanent }: NodemailerError, { user }: Server): string {
  if (!permanent) return ''
  if (code === 'ETLS') {
    const why = user === undefined ? 'notifiers.smtp.tls is true' : 'a password is sent over TLS alone'
    return `it offers no STARTTLS, and ${why}: for TLS from the first byte set notifiers.smtp.implicit_tls`
  }
  if (code === 'EAUTH')
    return 'check notifiers.smtp.user and notifiers.smtp.password; many providers want a password made for programs'
  if (responseCode === 530) return 'it wants TLS or a user: set notifiers.smtp.tls, or notifiers.smtp.user and password'
  if (command === 'MAIL FROM') return 'it takes no mail from this sender: check notifiers.smtp.from'
  if (command === 'RCPT TO') return 'it takes no mail for these people: check notifiers.smtp.to'
  return ''
}

function connectionAdvice(fault: ConnectionFault, { timeoutType }: NodemailerError, { implicit }: Server): string {
  const { code: reason, untrusted } = fault
  if (untrusted) return 'put the CA that signed its certificate into smtp.ca_file'
  if (reason.includes('CERTIFICATE_REQUIRED')) return 'it wants a certificate: set smtp.cert_file and smtp.key_file'
  if (reason.includes('ALTNAME')) return 'notifiers.smtp.host_port must be a name that its certificate holds'
  if (implicit && /WRONG_VERSION_NUMBER|EPROTO/.test(reason))
    return 'it does not begin with TLS: set notifiers.smtp.implicit_tls to false'
  if (!implicit && timeoutType === 'GREETING_TIMEOUT')
    return 'where it begins with TLS, set notifiers.smtp.implicit_tls to true'
  return ''
}

function wordsOf({ message, code }: NodemailerError): string {
  // The pool speaks of retries, and there are none.
  if (code === 'ECONNECTION') return 'it closed the connection'
  // OpenSSL's own line: 40ED…:error:0A00010B:SSL routines:function:wrong version number:file:77:
  return /:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1] ?? message
}

/** Characters of an answer that an error repeats. */
const EXCERPT = 300

/** On one line, and without the password, should a server repeat it. */
function tidy(text: string, { user = '', password }: Server): string {
  let shown = text
  for (const secret of password ? [`\0${user}\0${password}`, password] : [])
    for (const form of [Buffer.from(secret).toString('base64'), secret]) shown = shown.replaceAll(form, '***')
  return visible(cut(shown.replace(/\s+/g, ' ').trim(), EXCERPT))
}
