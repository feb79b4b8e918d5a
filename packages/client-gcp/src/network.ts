const TLS = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|EPROTO)/

const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/CERT_NOT_YET_VALID|CERT_HAS_EXPIRED/, '; its certificate is out of date, or the clock here is off'],
  [/^(UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED)/, '; trust the CA that signed its certificate: set NODE_EXTRA_CA_CERTS'],
  [/ALTNAME|HOSTNAME_MISMATCH/, '; its certificate is for another name: check the endpoint, and what the DNS says'],
  [/WRONG_VERSION_NUMBER|wrong version number/, '; it does not speak TLS: is its URL an http:// one?'],
  [
    /TIMEOUT|TimeoutError|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/,
    '; check that network policies and firewalls let Talon reach it',
  ],
  [/ENOTFOUND|EAI_AGAIN/, '; its name is not known: check the DNS, and that the cluster may reach it'],
]

/** What to do about a connection that failed so. A connection may be there in a moment; trust will not. */
export function networkAdvice(code: string, message: string): { readonly advice: string; readonly retryable: boolean } {
  const [, advice = ''] = ADVICE.find(([pattern]) => pattern.test(`${code} ${message}`)) ?? []
  return { advice, retryable: !TLS.test(code) }
}
