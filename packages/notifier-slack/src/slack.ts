import { headersOf, http, isWeb, webAddress } from '@talon/client-http'
import { defineNotifier, done } from '@talon/plugin'
import { z } from 'zod'
import { payloadOf } from './payload.ts'
import { explained } from './refusal.ts'

/** The bird of Falco Talon's documentation. */
const ICON = 'https://upload.wikimedia.org/wikipedia/commons/2/26/Circaetus_gallicus_claw.jpg'
/** How Slack calls pictures of its own: `:bird:`. */
const EMOJI = /^:[^\s:]+(::[^\s:]+)?:$/

/** Sends each report to a channel of Slack. */
export const slack = defineNotifier({
  name: 'slack',
  summary: 'Send each result to a channel of Slack',
  notes: `The channel is the one that the incoming webhook was made for. What comes from an event stands in the message as plain
text: it mentions nobody, and no address in it becomes a link.

Only webhooks of the older kind ("Incoming WebHooks" in the app directory) follow \`icon\` and \`username\`; an app of your
own has both in its own settings.

Slack takes about one message a second for each channel. After 429, 5xx, a timeout or a broken connection it is tried
again, after as long as Slack asks for.`,
  uses: { http },
  parameters: z.object({
    webhook_url: webAddress.describe('Address of the incoming webhook: https://hooks.slack.com/services/…'),
    icon: z
      .string()
      .refine((text) => text === '' || EMOJI.test(text) || isWeb(text), 'is neither a URL of a picture nor an :emoji:')
      .default(ICON)
      .describe("Picture beside the message: its URL, or one of Slack's own, such as `:bird:`"),
    username: z.string().max(80).default('Falco Talon').describe('Name that the message comes from'),
    footer: z.string().default('https://github.com/falcosecurity/falco-talon').describe('Text below a long message'),
    format: z
      .enum(['long', 'short'])
      .default('long')
      .describe('`long`: with rule, objects, event and result; `short`: one line'),
  }),
  examples: [
    { title: 'Tell a channel', parameters: { webhook_url: 'https://hooks.slack.com/services/T000/B000/XXXX' } },
    {
      title: 'One line each, with a picture that Slack has',
      parameters: { webhook_url: 'https://hooks.slack.com/services/T000/B000/XXXX', format: 'short', icon: ':bird:' },
    },
  ],
  async run({ reports: [report], parameters, signal }, { http }) {
    const { webhook_url: url, ...look } = parameters
    const headers = headersOf({}, { 'content-type': 'application/json; charset=utf-8' })
    const body = JSON.stringify(payloadOf(report, look))
    const { status } = await http.send({ url, method: 'POST', headers, body, signal }).catch((error: unknown) => {
      throw explained(error)
    })
    return done(`told ${new URL(url).origin}, which answered ${status}`)
  },
})
