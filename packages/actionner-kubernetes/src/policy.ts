import {
  isNotFound,
  networkPolicies,
  refusalOf,
  type FoundPod,
  type Kubernetes,
  type NetworkPolicy,
  type Write,
} from '@talon/client-kubernetes'
import { ActionError } from '@talon/plugin'
import { allowedBy, egressOf, narrowed, tidy, type Allowed } from './allowed.ts'
import { selects } from './selector.ts'
import { objectName, type Workload } from './workload.ts'

/** What is blocked for whom. */
export interface Blocking {
  readonly namespace: string
  readonly workload: Workload
  readonly allowed: Allowed
}

export interface Blocked {
  /** Name of the policy. */
  readonly policy: string
  /** What it allows now. */
  readonly widest: Allowed
  /** Lines `-` and `+` of its rules; empty where nothing changed. */
  readonly difference: string
}

const MANAGED = { 'app.kubernetes.io/managed-by': 'talon' }
/** How often another event's change may come between reading and writing. */
const TRIES = 5

/** Makes the policy, or narrows it. @throws ActionError where the object is not Talon's */
export async function blockEgress(blocking: Blocking, kubernetes: Kubernetes, write: Write): Promise<Blocked> {
  for (let left = TRIES; ; left--)
    try {
      return await attempt(blocking, kubernetes, write)
    } catch (error) {
      if (refusalOf(error)?.code !== 409 || left <= 1) throw error
    }
}

async function attempt(
  { namespace, workload, allowed }: Blocking,
  kubernetes: Kubernetes,
  write: Write,
): Promise<Blocked> {
  const policy = objectName(workload)
  const target = { ...networkPolicies, namespace, name: policy }
  const before = await kubernetes.get(target, write.signal).catch((error: unknown) => {
    if (isNotFound(error)) return undefined
    throw error
  })
  if (before && before.metadata?.labels?.['app.kubernetes.io/managed-by'] !== 'talon')
    throw new ActionError(
      `the NetworkPolicy '${policy}' in namespace '${namespace}' is not Talon's: it lacks the label app.kubernetes.io/managed-by=talon; rename it, or give it the label`,
    )
  const widest = before ? tidy(narrowed(allowedBy(before.spec?.egress), allowed)) : allowed
  const spec = { podSelector: workload.selector, policyTypes: ['Egress'], egress: egressOf(widest) }
  const body = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: policy, namespace, labels: MANAGED },
    spec,
  }
  if (!before) await kubernetes.create({ ...networkPolicies, namespace }, body, write)
  else {
    // With the version that was read: what another event narrowed meanwhile is never widened again.
    const { resourceVersion } = before.metadata ?? {}
    await kubernetes.apply(
      target,
      { ...body, metadata: { ...body.metadata, resourceVersion } },
      { ...write, force: true },
    )
  }
  return { policy, widest, difference: differenceOf(before, spec) }
}

function differenceOf(before: NetworkPolicy | undefined, spec: object & { readonly egress: unknown }): string {
  const [old, fresh] = [before && JSON.stringify(before.spec?.egress ?? []), JSON.stringify(spec.egress)]
  if (old === fresh) return ''
  return [...(old === undefined ? [] : [`- egress=${old}`]), `+ egress=${fresh}`].join('\n')
}

/** Names of the other policies that let the pod send somewhere: what one policy allows, no other can forbid. */
export async function leaks(
  pod: FoundPod,
  own: string,
  kubernetes: Kubernetes,
  signal: AbortSignal,
): Promise<string[]> {
  const { namespace, labels } = pod.metadata
  const all = await kubernetes.list({ ...networkPolicies, namespace }, { signal })
  return all
    .filter(({ metadata, spec }) => metadata?.name !== own && spec?.egress?.length)
    .filter(({ spec }) => selects(spec?.podSelector ?? {}, labels))
    .map(({ metadata }) => metadata?.name ?? '')
    .toSorted()
}
