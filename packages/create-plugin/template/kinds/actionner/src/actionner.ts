import { defineActionner, done, namespace, podName } from '@talon/plugin'
import { z } from 'zod'
import { service } from './service.ts'

/** Asks the service to quarantine the pod of the event. */
export const actionner = defineActionner({
  name: '__NAME__',
  summary: 'Ask the service to quarantine the pod',
  needs: { pod: podName, namespace },
  uses: { service },
  effect: 'change',
  // The service takes a second request for one pod as it takes the first: what failed may be tried again.
  repeatable: true,
  // In a dry run, run() is called and changes nothing.
  previews: true,
  parameters: z.object({
    reason: z.string().default('Talon').meta({ tokens: 'text' }).describe('Why; tokens are replaced in it'),
  }),
  examples: [{ title: 'Say what was detected', parameters: { reason: '${RULE} on ${HOSTNAME}' } }],
  async run({ fields: { pod, namespace }, parameters: { reason }, dryRun, signal }, { service }) {
    const objects = { pod, namespace }
    if (dryRun) return done(`dry run: the pod ${namespace}/${pod} would be quarantined`, objects)
    // What came in an event goes into the body, never into the address.
    await service.request('quarantine', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ pod, namespace, reason }),
      signal,
    })
    return done(`the pod ${namespace}/${pod} is in quarantine`, objects)
  },
})
