import { defineNotifier, done } from '@talon/plugin'
import { z } from 'zod'
import { send } from './send.ts'

/** Tells a web hook what came of actions and outputs. */
export const notifier = defineNotifier({
  name: '__NAME__',
  summary: 'Tell the service each result',
  // Its parameters are its settings: `notifiers.__NAME__` in the config file.
  parameters: z.object({
    url: z
      .url({ protocol: /^https?$/ })
      .meta({ secret: true })
      .describe('Address that takes the results'),
    mention: z.string().optional().describe('Whom to mention where an action failed'),
  }),
  examples: [{ title: 'Mention who is on duty', parameters: { url: 'https://example.org/hook', mention: '@duty' } }],
  async run({ reports: [report], parameters: { url, mention }, signal }) {
    const failed = report.status === 'failure' && mention !== undefined
    const text = `${failed ? `${mention} ` : ''}${report.rule}: ${report.action}: ${report.status}: ${report.message}`
    await send(new URL(url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      // The same id at each attempt: the other side can tell a repetition.
      body: JSON.stringify({ id: report.id, text, objects: report.objects }),
      signal,
    })
    return done(`told ${new URL(url).origin}`)
  },
})
