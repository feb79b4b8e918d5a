import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { ActionError } from '@talon/plugin'
import type { Kubernetes, Write } from './api.ts'
import { narrow, type Egress } from './egress.ts'
import { isNotFound, isReplaced, refusalOf } from './failure.ts'
import { pods, type KubernetesObject, type Resource, type Target } from './objects.ts'
import type { FoundPod } from './pod.ts'
import { ISOLATED, workloadOf } from './workload.ts'

type Labels = Readonly<Record<string, string>>

/** A policy as its API has it. */
export interface PolicyObject extends KubernetesObject {
  readonly spec?: Readonly<Record<string, unknown>>
}

/** How a kind of policy says whom it selects and what it lets through. */
export interface PolicyForm {
  readonly resource: Resource<PolicyObject>
  readonly kind: string
  /** Stands before the name. */
  readonly prefix?: string
  /** The part of the spec that selects pods with these labels; they are never empty. */
  selector(labels: Labels): Readonly<Record<string, unknown>>
  /** The rest of the spec. `before` is the policy that is narrowed. */
  rules(egress: Egress, before: PolicyObject | undefined): Readonly<Record<string, unknown>>
  /** What such a policy lets through, or less, where it was changed by others into what Talon does not write. */
  read(policy: PolicyObject): Egress
}

/** Whom a policy selects: the pods of the pod's owner, or the one pod. */
export type Scope = 'owner' | 'pod'

/** What came of it. */
export interface Isolation {
  /** Name of the policy. */
  readonly name: string
  /** Whom it selects: `the pods of Deployment 'web'`, `the pod 'web-0'`. */
  readonly whom: string
  readonly labels: Labels
  readonly egress: Egress
  /** What it was before; undefined where there was no policy. */
  readonly before: Egress | undefined
}

const MANAGED_BY = 'app.kubernetes.io/managed-by'
const TALON = 'talon'
/** Longest name that the API takes is 253; a prefix and a hash have to fit as well. */
const LONGEST = 230
const ATTEMPTS = 5
/** Networks that one policy denies: far below what an object may hold, and beyond what anyone reads. */
const MOST_DENIED = 500
/** A version that no object has, since the first ones belong to the cluster's own: an object that came meanwhile is a conflict. */
const ABSENT = '1'

/**
 * Makes or narrows Talon's policy for a pod. What another event let through before stays closed to what it closed.
 *
 * @throws ActionError where an object of that name is not Talon's.
 */
export async function isolate(
  kubernetes: Kubernetes,
  pod: FoundPod,
  given: { readonly form: PolicyForm; readonly scope: Scope; readonly egress: Egress },
  write: Write,
): Promise<Isolation> {
  const { form, egress: wanted } = given
  const { workload, labels, whom } = await select(kubernetes, pod, given.scope, write)
  const selector = form.selector(labels)
  const { kind, resource } = form
  const apiVersion = `${resource.group}/${resource.version}`
  for (let attempt = 1; ; attempt++) {
    const { target, policy } = await find(
      kubernetes,
      pod.metadata.namespace,
      workload,
      { form, selector },
      write.signal,
    )
    const before = policy && form.read(policy)
    const egress = before ? narrow(before, wanted) : wanted
    if (egress.deny.length > MOST_DENIED)
      throw new ActionError(
        `the ${kind} '${target.name}' in namespace '${pod.metadata.namespace}' denies ${MOST_DENIED} networks already: say what is allowed instead (allow_cidr, allow_namespaces)`,
      )
    const body = {
      apiVersion,
      kind,
      metadata: {
        resourceVersion: policy?.metadata?.resourceVersion ?? ABSENT,
        labels: { [MANAGED_BY]: TALON },
      },
      spec: { ...selector, ...form.rules(egress, policy) },
    }
    try {
      if (write.dryRun && !policy) await kubernetes.demand('create', target, write.signal)
      // What others wrote into it was read and is kept as far as it narrows: their fields are taken.
      await kubernetes.apply(target, body, { ...write, force: true })
      return { name: target.name, whom, labels, egress, before }
    } catch (error) {
      const changed = refusalOf(error)?.code === 409 && !isReplaced(error)
      if (!changed || attempt === ATTEMPTS) throw error
    }
  }
}

/** Finds labels that select the pods meant and are not empty: the pod gets one of its own where there are none. */
async function select(kubernetes: Kubernetes, pod: FoundPod, scope: Scope, write: Write) {
  const { name, namespace, uid } = pod.metadata
  if (scope === 'owner') {
    const { kind, name: workload, labels } = await workloadOf(pod, kubernetes, write.signal)
    const whom = kind === 'Pod' ? `the pod '${name}'` : `the pods of ${kind} '${workload}'`
    if (Object.keys(labels).length) return { workload, labels, whom }
  }
  const labels = { [ISOLATED]: digest(uid) }
  if (pod.metadata.labels?.[ISOLATED] !== labels[ISOLATED])
    await kubernetes.merge({ ...pods, namespace, name }, { metadata: { uid, labels } }, write)
  return { workload: name, labels, whom: `the pod '${name}'` }
}

/**
 * The policy's name, and what bears it. One that selects other pods is left to them, and so is what it closes: workloads
 * of several kinds may share a name.
 */
async function find(
  kubernetes: Kubernetes,
  namespace: string,
  workload: string,
  { form, selector }: { readonly form: PolicyForm; readonly selector: Readonly<Record<string, unknown>> },
  signal: AbortSignal,
) {
  const plain = policyName(workload)
  for (const name of [plain, `${plain}-${digest(JSON.stringify(selector))}`]) {
    const target: Target<PolicyObject> = { ...form.resource, namespace, name: `${form.prefix ?? ''}${name}` }
    const policy = await kubernetes.get(target, signal).catch((error: unknown) => {
      if (isNotFound(error)) return undefined
      throw error
    })
    if (!policy) return { target, policy }
    if (policy.metadata?.labels?.[MANAGED_BY] !== TALON)
      throw new ActionError(
        `the ${form.kind} '${target.name}' in namespace '${namespace}' is not Talon's: it lacks the label ${MANAGED_BY}=${TALON}; rename it, or put the label on it`,
      )
    const own = Object.keys(selector).every((key) => isDeepStrictEqual(policy.spec?.[key], selector[key]))
    if (own) return { target, policy }
  }
  throw new ActionError(
    `the ${form.kind} '${form.prefix ?? ''}${plain}' in namespace '${namespace}' selects other pods, and so does the one with a hash after its name: delete what is out of use`,
  )
}

/** `talon-web`; a name that is too long, or that the API would not take, is made valid and told apart by a hash. */
export function policyName(workload: string): string {
  const clean = workload
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, '-')
    .split('.')
    .map((part) => part.replaceAll(/^-+|-+$/g, ''))
    .filter((part) => part !== '')
    .join('.')
  const name = `${TALON}-${clean}`
  if (clean === workload && name.length <= LONGEST) return name
  const cut = name.slice(0, LONGEST).replace(/[.-]+$/, '')
  return `${cut}-${digest(workload)}`
}

const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 10)
