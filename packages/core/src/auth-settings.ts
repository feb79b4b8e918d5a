import { z } from 'zod'

const text = z.string()
const secret = (description: string) => text.min(1).optional().meta({ secret: true }).describe(description)
const file = (what: string) => text.optional().describe(`File that holds the ${what}; read again when it changes`)

/** What a client may do: send events; read history and metrics; act: reload rules, retry and drop events. */
export const ROLES = ['send', 'read', 'act'] as const
export type Role = (typeof ROLES)[number]

/** One who may speak to the server, and what he proves it by: any of the ways that are given. */
export const authClient = z.object({
  name: text
    .regex(/^[^:\s]+$/, 'must be a name without blanks and colons')
    .describe('Name of the client; the user name of Basic authentication'),
  roles: z.array(z.enum(ROLES)).default(['send']).describe('What it may do: send events, read, act'),
  password: secret('Password of Basic authentication: http://name:password@talon:2803'),
  password_file: file('password'),
  token: secret('Token that is sent as Authorization: Bearer'),
  token_file: file('token'),
  secret: secret('Key of X-Talon-Signature, with which events are signed; it lets send alone'),
  secret_file: file('key'),
  certificate: text
    .optional()
    .describe('Name in a client certificate, its common name or one of its DNS names; needs tls.client_ca_file'),
  expires: z.iso.datetime({ offset: true }).optional().describe('When it ends: 2027-01-01T00:00:00Z'),
})
export type AuthClient = z.output<typeof authClient>

/** `auth` of the config file. Without clients everybody who reaches the port may send events. */
export const authSettings = z.object({
  clients: z
    .array(authClient)
    .default([])
    .describe('Who may speak to the server; everybody may send where it is empty'),
})

/** `tls` of the config file. */
export const tlsSettings = z.object({
  cert_file: text.optional().describe('Certificate of the server with its chain, PEM; with it the server speaks HTTPS'),
  key_file: text.optional().describe('Its key, PEM'),
  client_ca_file: text.optional().describe('Who signs the certificates of clients, PEM'),
})
