import { hostname } from 'node:os'
import { kubernetes } from '@talon/client-kubernetes'
import { defineNotifier, done, ignored } from '@talon/plugin'
import { z } from 'zod'
import { eventOf } from './event.ts'
import { record } from './record.ts'
import { subjectOf } from './subject.ts'

/** Keeps each report as an Event of Kubernetes. */
export const k8sevents = defineNotifier({
  name: 'k8sevents',
  summary: 'Keep each result as a Kubernetes Event on the object that it is about',
  notes: `\`kubectl describe\`, \`kubectl events\` and dashboards show it with the object: the node where the result names one, else
the pod, else the object that the audit log tells of. What is about no object of Kubernetes is ignored.

The Event is in the object's namespace, in \`default\` for an object that has none. Its reason is
\`falco-talon:<actionner>:<status>\`, its type \`Warning\` after a failure or an interruption. Repeats are counted in the
series of one Event, which keeps the note of the first. The API server deletes Events after an hour, as a rule.

The UID of an object other than a pod is read where the actions of the rules let Talon read the object; without it
\`kubectl describe\` does not show the Event. Where a node may not be read, the Event is on the pod.`,
  uses: { kubernetes },
  parameters: z.object({}),
  examples: [{ title: 'It has no settings', parameters: {} }],
  permissions: {
    kubernetes: [
      { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'get', 'patch'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
    ],
  },
  async run({ reports: [report], ...job }, { kubernetes }) {
    const subject = await subjectOf(report, kubernetes, job)
    if (!subject) return ignored('the result is about no object of Kubernetes')
    const event = eventOf(report, subject, hostname())
    const count = await record(kubernetes, event, job.signal)
    const { name, namespace } = event.metadata
    const times = count > 1 ? `, seen ${count} times` : ''
    return done(`told ${subject.kind} '${subject.name}'${times}`, { event: name, namespace })
  },
})
