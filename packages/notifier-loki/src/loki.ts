import { basicAuthorization, customHeaders, headersOf, headerValue, http, webAddress } from '@talon/client-http'
import { defineNotifier, done } from '@talon/plugin'
import { z } from 'zod'
import { addressOf } from './address.ts'
import { lokiNamespaces } from './namespaces.ts'
import { pushesOf } from './push.ts'
import { explained } from './refusal.ts'

/** Sends reports to Loki, many at once. */
export const loki = defineNotifier({
  name: 'loki',
  summary: 'Send each result to Loki, or to whatever takes its pushes',
  notes: `The labels are \`rule\`, \`action\`, \`actionner\`, \`message\` (\`action\` or \`output\`), \`status\`, \`target\` (where an artifact
was stored) and \`namespace\`. The names of rules and actions are spelled in lower case with \`_\` for blanks there, as Falco
Talon does. Events cannot make any number of streams: after 1,000 namespaces the label says \`other\`.

Everything else is in the line, a JSON object: \`{actionner="kubernetes:terminate"} | json | trace_id="…"\`.

Reports that wait are sent up to 500 at once. A report that is sent again has the same time and line, so Loki keeps it
once. After 429, 5xx, a timeout or a broken connection it is tried again. Entries that Loki finds too old it refuses for
good, with 400, and takes the rest of the push.`,
  uses: { http, namespaces: lokiNamespaces },
  batch: 500,
  parameters: z
    .object({
      url: webAddress
        .optional()
        .describe(
          'Address of Loki; `/loki/api/v1/push` is added to it where it does not end in `/push`. User and password in it become basic authentication',
        ),
      host_port: webAddress.optional().describe('Older spelling of `url`'),
      user: z.string().optional().describe('User for basic authentication; needs `api_key`'),
      api_key: z.string().optional().meta({ secret: true }).describe('Password or API key of `user`'),
      tenant: headerValue.optional().describe('Tenant, sent as X-Scope-OrgID'),
      custom_headers: customHeaders.describe('Headers besides, such as Authorization'),
    })
    .refine(({ url, host_port }) => url || host_port, { path: ['url'], message: 'is missing' }),
  examples: [
    { title: 'A Loki in the cluster', parameters: { url: 'http://loki.monitoring:3100' } },
    {
      title: 'Grafana Cloud',
      parameters: { url: 'https://logs-prod-eu-west-0.grafana.net', user: '123456', api_key: '<token>' },
    },
    { title: 'A tenant of its own', parameters: { url: 'https://loki.example.org', tenant: 'security' } },
  ],
  async run({ reports, parameters, signal }, { http, namespaces }) {
    const url = addressOf(parameters)
    const { user, api_key, tenant, custom_headers } = parameters
    const headers = headersOf(custom_headers, {
      'content-type': 'application/json',
      authorization: basicAuthorization(user, api_key),
      'x-scope-orgid': tenant,
    })
    for (const body of pushesOf(reports, namespaces))
      await http.send({ url, method: 'POST', headers, body, signal }).catch((error: unknown) => {
        throw explained(error)
      })
    return done(`told ${new URL(url).origin}`)
  },
})
