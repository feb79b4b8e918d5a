import { ActionError, defineContext, namespace, podName } from '@talon/plugin'
import { z } from 'zod'
import { service } from './service.ts'

const answer = z.object({ team: z.string(), contact: z.string().default('') })

/** Knows who owns the pod of the event. */
export const context = defineContext({
  name: '__NAME__',
  summary: 'Who owns the pod of the event',
  // `x.team` is the token ${X_TEAM}, and in the event's JSON `context["x.team"]`.
  gives: { '__SECTION__.team': 'Team that owns the pod', '__SECTION__.contact': 'How to reach it; may be empty' },
  needs: { pod: podName, namespace },
  uses: { service },
  async run({ fields: { pod, namespace }, signal }, { service }) {
    const response = await service.request(`owner?${new URLSearchParams({ namespace, pod })}`, { signal })
    const read = answer.safeParse(await response.json().catch(() => undefined))
    if (!read.success) throw new ActionError('the service did not say who owns the pod')
    return { '__SECTION__.team': read.data.team, '__SECTION__.contact': read.data.contact }
  },
})
