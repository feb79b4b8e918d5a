/** A mail server, and how to speak with it. */
export interface Server {
  readonly host: string
  readonly port: number
  /** TLS from the first byte, not by STARTTLS. */
  readonly implicit: boolean
  /** Nothing is sent without TLS, and without knowing who is there. */
  readonly secure: boolean
  readonly user?: string
  readonly password?: string
}
