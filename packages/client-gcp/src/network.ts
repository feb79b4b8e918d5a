import type { ConnectionFault } from '@talon/plugin'

const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/CERT_NOT_YET_VALID|CERT_HAS_EXPIRED/, '; its certificate is out of date, or the clock here is off'],
  [/ALTNAME|HOSTNAME_MISMATCH/, '; its certificate is for another name: check the endpoint, and what the DNS says'],
  [/WRONG_VERSION_NUMBER|wrong version number/, '; it does not speak TLS: is its URL an http:// one?'],
  [
    /TIMEOUT|TimeoutError|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/,
    '; check that network policies and firewalls let Talon reach it',
  ],
  [/ENOTFOUND|EAI_AGAIN/, '; its name is not known: check the DNS, and that the cluster may reach it'],
]

/** What to do about a connection that failed so. */
export function networkAdvice(fault: ConnectionFault): { readonly advice: string; readonly retryable: boolean } {
  const { code, message, tls, untrusted } = fault
  if (untrusted)
    return { advice: '; trust the CA that signed its certificate: set NODE_EXTRA_CA_CERTS', retryable: false }
  const [, advice = ''] = ADVICE.find(([pattern]) => pattern.test(`${code} ${message}`)) ?? []
  return { advice, retryable: !tls }
}
