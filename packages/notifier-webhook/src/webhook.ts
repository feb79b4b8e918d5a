import { customHeaders, headersOf, headerValue, http, USER_AGENT, webAddress } from '@talon/client-http'
import { defineNotifier, done } from '@talon/plugin'
import { z } from 'zod'
import { bodyOf } from './body.ts'
import { signatureOf } from './signature.ts'

/** Sends each report to a web address of the user's own. */
export const webhook = defineNotifier({
  name: 'webhook',
  summary: 'Send each result as JSON to a web address',
  notes: `Everything from the event is in the body, never in the address or in a header.

With \`secret\` each request carries \`X-Talon-Signature: t=<unix seconds>,v1=<hex>\`: \`v1\` is the HMAC-SHA-256 of
\`<t>.<body>\` under the secret. Compute it over the bytes as they came, compare in constant time, and refuse a \`t\` that
is more than five minutes off.

An answer of 2xx is success. After 429, 5xx, a timeout or a broken connection it is tried again, with the same \`id\`.`,
  uses: { http },
  parameters: z.object({
    url: webAddress.describe('Address that takes the results; user and password in it become basic authentication'),
    http_method: z.enum(['POST', 'PUT', 'PATCH']).default('POST').describe('HTTP method'),
    user_agent: headerValue.default(USER_AGENT).describe('User-Agent header'),
    content_type: headerValue
      .default('application/json; charset=utf-8')
      .describe('Content-Type header; the body is JSON whatever it says'),
    custom_headers: customHeaders.describe('Headers besides, such as Authorization'),
    secret: z
      .string()
      .min(16, 'is shorter than 16 characters: it could be guessed')
      .optional()
      .meta({ secret: true })
      .describe('Key that the body is signed with, in the header X-Talon-Signature'),
  }),
  examples: [
    {
      title: 'Tell a service of your own, signed',
      parameters: { url: 'https://example.org/talon', secret: '<32 random characters or more>' },
    },
  ],
  async run({ reports: [report], parameters, signal }, { http }) {
    const body = JSON.stringify(bodyOf(report))
    const { url, http_method, user_agent, content_type, custom_headers, secret } = parameters
    const headers = headersOf(custom_headers, {
      'user-agent': user_agent,
      'content-type': content_type,
      'x-talon-signature': secret && signatureOf(body, secret, Date.now()),
    })
    const { status } = await http.send({ url, method: http_method, headers, body, signal })
    return done(`told ${new URL(url).origin}, which answered ${status}`)
  },
})
