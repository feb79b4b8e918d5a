import { type FoundPod, type Pod } from '@talon/client-kubernetes'
import { ActionError, type Event } from '@talon/plugin'
import { z } from 'zod'

/** The parameter `container` of actionners that work inside of one. */
export const containerParameter = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "is no name of a container: lower case letters, digits and '-'")
  .optional()
  .describe("Container to take where the event names none of the pod's; its first one where this is missing too")

/** Which container is meant: the event's, else the parameter's, else the pod's first. @throws ActionError */
export function containerFor(pod: FoundPod, event: Event, parameter: string | undefined): string {
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec
  const names = [...containers, ...initContainers, ...ephemeralContainers].map(({ name }) => name)
  const ofEvent = byId(pod, event.fields['container.id']) ?? byName(names, event.fields['container.name'])
  if (ofEvent !== undefined) return ofEvent
  if (parameter !== undefined && !names.includes(parameter))
    throw new ActionError(
      `the pod '${pod.metadata.name}' has no container '${parameter}': it has ${names.join(', ')}; correct \`container\``,
    )
  const first = parameter ?? names[0]
  if (first === undefined) throw new ActionError(`the pod '${pod.metadata.name}' has no container`)
  return first
}

/** Fewer digits could be another container's. */
const ID = /^[0-9a-f]{12,64}$/

function byId({ status }: Pod, id = ''): string | undefined {
  if (!ID.test(id)) return undefined
  const groups = [status?.containerStatuses, status?.initContainerStatuses, status?.ephemeralContainerStatuses]
  const has = (text = '') => text.slice(text.indexOf('://') + 3).startsWith(id)
  return groups
    .flatMap((statuses) => statuses ?? [])
    .find(
      ({ containerID, state, lastState }) =>
        has(containerID) || has(state?.terminated?.containerID) || has(lastState?.terminated?.containerID),
    )?.name
}

/** As the runtime has it: containerd's is the pod's own, Docker's is `k8s_<container>_<pod>_<namespace>_<uid>_<n>`. */
function byName(names: readonly string[], runtime = ''): string | undefined {
  const name = /^k8s_([^_]+)_/.exec(runtime)?.[1] ?? runtime
  return names.includes(name) ? name : undefined
}
