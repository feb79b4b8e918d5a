/** Why no answer came, as far as the error tells that Node, OpenSSL or an HTTP library threw. */
export interface ConnectionFault {
  /**
   * `ECONNREFUSED`, `CERT_HAS_EXPIRED`: https://nodejs.org/api/errors.html#common-system-errors,
   * https://nodejs.org/api/tls.html#x509-certificate-error-codes. Empty where there is none.
   */
  readonly code: string
  /** Never empty: the code where there are no words. */
  readonly message: string
  /** TLS did not come about. Trying again does not help: a connection may be there in a moment, trust will not. */
  readonly tls: boolean
  /** Nobody who is trusted vouches for its certificate: what to do is to trust the CA that signed it. */
  readonly untrusted: boolean
  /** No connection came about, so nothing was done at the other side. */
  readonly untouched: boolean
}

const UNTRUSTED = /^(UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED)/
const TLS = /^(ERR_TLS|ERR_SSL|CERT_|HOSTNAME_MISMATCH|EPROTO)/
const UNTOUCHED = /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED)$/

/** Reads what was thrown. Where a host has several addresses, the failures of all come as one error; the first counts. */
export function connectionFault(error: unknown): ConnectionFault {
  if (error instanceof AggregateError && error.errors.length) return connectionFault(error.errors[0])
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  const known = typeof code === 'string' ? code : ''
  const untrusted = UNTRUSTED.test(known)
  return {
    code: known,
    message: typeof message === 'string' && message ? message : known || String(error),
    tls: untrusted || TLS.test(known),
    untrusted,
    untouched: UNTOUCHED.test(known),
  }
}
