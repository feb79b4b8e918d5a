import { pods, type FoundPod, type Kubernetes, type Pod, type Write } from '@talon/client-kubernetes'
import { ActionError } from '@talon/plugin'
import { explainAdmission, untilRunning } from './started.ts'

type Container = NonNullable<NonNullable<Pod['spec']>['ephemeralContainers']>[number]

/** Ephemeral containers that Talon puts into one pod: they cannot be taken out again. */
export const MOST = 10
/** They are told by the beginning of their names. */
const PREFIX = 'talon-'

/**
 * Puts an ephemeral container into the pod and waits until it runs.
 * @returns its name
 * @throws ActionError where it does not start, or the pod has got too many of them
 */
export async function addEphemeral(
  pod: FoundPod,
  container: Omit<Container, 'name'> & { readonly image: string },
  { kind, needs }: { readonly kind: string; readonly needs: string },
  kubernetes: Kubernetes,
  write: Write,
): Promise<string> {
  const { name: podName, namespace, uid } = pod.metadata
  const target = { ...pods, namespace, name: podName }
  const { spec } = await kubernetes.get(target, write.signal)
  const own = (spec?.ephemeralContainers ?? []).filter(({ name }) => name.startsWith(PREFIX))
  const what = `the ephemeral container for ${kind} in the pod '${podName}' in namespace '${namespace}'`
  if (own.length >= MOST)
    throw new ActionError(
      `${what} was not added: the pod has ${own.length} of Talon's already, and they stay as long as the pod does; replace the pod, or look at what was captured`,
    )
  const name = freeName(`${PREFIX}${kind}`, spec?.ephemeralContainers ?? [])
  const added = { metadata: { uid }, spec: { ephemeralContainers: [{ ...container, name }] } }
  await kubernetes
    .strategicMerge({ ...target, subresource: 'ephemeralcontainers' }, added, write)
    .catch((error: unknown) => {
      throw explainAdmission(error, what, needs)
    })
  if (write.dryRun) return name
  const look = async () => {
    const { status } = await kubernetes.get(target, write.signal)
    return status?.ephemeralContainerStatuses?.find((one) => one.name === name)
  }
  await untilRunning(look, { what, image: container.image, signal: write.signal })
  return name
}

function freeName(base: string, containers: readonly Container[]): string {
  const taken = new Set(containers.map(({ name }) => name))
  for (let n = 1; ; n++) if (!taken.has(`${base}-${n}`)) return `${base}-${n}`
}
