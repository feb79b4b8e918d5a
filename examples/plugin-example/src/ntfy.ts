import { ActionError, defineNotifier, done, type Report } from '@talon/plugin'
import { z } from 'zod'

/** Pushes each result to the phones that follow a topic. https://docs.ntfy.sh/publish/#publish-as-json */
export const ntfy = defineNotifier({
  name: 'ntfy',
  summary: 'Push each result to the phones that follow a topic of ntfy',
  notes: 'On a public server a topic is as good as a password: whoever knows it reads along.',
  parameters: z.object({
    url: z
      .url({ protocol: /^https?$/ })
      .default('https://ntfy.sh')
      .describe('Address of the server'),
    topic: z
      .string()
      .regex(/^[-_A-Za-z0-9]{1,64}$/, 'is no name of a topic')
      .meta({ secret: true })
      .describe('Topic that is published to'),
    token: z.string().optional().meta({ secret: true }).describe('Access token'),
    minimum_status: z
      .enum(['all', 'failure'])
      .default('all')
      .describe('Whether to push all results, or failures alone'),
  }),
  examples: [
    {
      title: 'Failures alone, to a topic of your own',
      parameters: { topic: 'talon-8mJ4vQx2', minimum_status: 'failure' },
    },
  ],
  async run({ reports: [report], parameters: { url, topic, token, minimum_status }, signal }) {
    if (minimum_status === 'failure' && !isFailure(report)) return done('no failure: nobody was told')
    // Text from the event goes into the body alone, and ntfy shows it as plain text.
    const body = JSON.stringify({ topic, ...messageOf(report) })
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
    const { origin } = new URL(url)
    const response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' }).catch(
      (cause: unknown) => {
        signal.throwIfAborted()
        throw new ActionError(`${origin} cannot be reached`, { retryable: true, cause })
      },
    )
    await response.body?.cancel()
    if (response.ok) return done(`told ${origin}`)
    throw new ActionError(`${origin} answered ${response.status}: check url, topic and token of notifiers.ntfy`, {
      retryable: response.status === 429 || response.status >= 500,
    })
  },
})

const isFailure = ({ status }: Report) => status === 'failure' || status === 'interrupted'

/** ntfy takes 4,096 bytes of a message; no character has more than four. */
const MOST = 1000

function messageOf(report: Report): { title: string; message: string; priority: number; tags: string[] } {
  const { rule, action, status, message, error } = report
  return {
    title: `${report.dryRun ? 'Dry run: ' : ''}${rule}: ${status}`,
    message: [...`${action}: ${error ?? message}`].slice(0, MOST).join(''),
    // 5 rings through "do not disturb", 3 is usual. https://docs.ntfy.sh/publish/#message-priority
    priority: isFailure(report) ? 5 : 3,
    tags: [isFailure(report) ? 'rotating_light' : 'eagle'],
  }
}
