import { isDeepStrictEqual } from 'node:util'
import { ActionError } from '@talon/plugin'
import type { Kubernetes, Write } from './api.ts'
import { narrow, type Egress } from './egress.ts'
import { isNotFound, isReplaced, refusalOf } from './failure.ts'
import { pods, type KubernetesObject, type Resource, type Target } from './objects.ts'
import type { FoundPod } from './pod.ts'
import { applyPolicy } from './policy-apply.ts'
import { digest, policyName } from './policy-name.ts'
import { ISOLATED, workloadOf } from './workload.ts'

/** A policy as its API has it. */
export interface PolicyObject extends KubernetesObject {
  readonly spec?: Readonly<Record<string, unknown>>
}

/** Pods that have all these labels, which are never none, and lack that one. */
export interface Selected {
  readonly labels: Readonly<Record<string, string>>
  readonly without?: string
}

/** How a kind of policy says whom it selects and what it lets through. */
export interface PolicyForm {
  readonly resource: Resource<PolicyObject>
  readonly kind: string
  /** Stands before the name. */
  readonly prefix?: string
  /** The part of the spec that selects pods. */
  selector(selected: Selected): Readonly<Record<string, unknown>>
  /** The rest of the spec. `before` is the policy that is narrowed. */
  rules(egress: Egress, before: PolicyObject | undefined): Readonly<Record<string, unknown>>
  /** What such a policy lets through, or less, where it was changed by others into what Talon does not write. */
  read(policy: PolicyObject): Egress
}

/** Whom a policy selects: the pods of the pod's owner, or the one pod. */
export type Scope = 'owner' | 'pod'

/** What came of a policy. */
interface Written {
  /** Name of the policy. */
  readonly name: string
  /** Whom it selects: `the pods of Deployment 'web'`, `the pod 'web-0'`. */
  readonly whom: string
  readonly egress: Egress
  /** What it was before; undefined where there was no policy. */
  readonly before: Egress | undefined
}

/** What came of it. */
export interface Isolation extends Written {
  /** The pod's labels, as they are then. */
  readonly labels: Readonly<Record<string, string>>
  /** Name of the pod's own policy, which was narrowed as well as its owner's. */
  readonly also?: string
}

/** Pods, and the workload that their policy is named for. */
interface Party {
  readonly workload: string
  readonly whom: string
  readonly selected: Selected
}

interface Given {
  readonly form: PolicyForm
  readonly scope: Scope
  readonly egress: Egress
}

const MANAGED_BY = 'app.kubernetes.io/managed-by'
const TALON = 'talon'
/** Of several that write at once one gets through each time: as many may meet at a workload. */
const ATTEMPTS = 20
/** Networks that one policy denies: far below what an object may hold, and beyond what anyone reads. */
const MOST_DENIED = 500

/**
 * Makes or narrows Talon's policy for a pod. What another event let through before stays closed to what it closed.
 *
 * A pod is under one policy of Talon's and a kind: what policies allow adds up. The owner's leaves out the pods that
 * have one of their own, and theirs begins with what the owner's was.
 *
 * @throws ActionError where an object of that name is not Talon's.
 */
export async function isolate(
  kubernetes: Kubernetes,
  pod: FoundPod,
  { form, scope, egress }: Given,
  write: Write,
): Promise<Isolation> {
  const { name, namespace, uid, labels = {} } = pod.metadata
  const policies = { kubernetes, form, namespace }
  const mark = { [ISOLATED]: digest(uid) }
  const isMarked = labels[ISOLATED] === mark[ISOLATED]
  const one: Party = { workload: name, whom: `the pod '${name}'`, selected: { labels: mark } }
  const owner = await partyOf(kubernetes, pod, write.signal)
  if (scope === 'owner' && owner) {
    const made = { ...(await put(policies, owner, egress, write)), labels }
    if (!isMarked || !(await find(policies, one, write.signal)).policy) return made
    return { ...made, also: (await put(policies, one, egress, write)).name }
  }
  const label = async () => {
    if (!isMarked) await kubernetes.merge({ ...pods, namespace, name }, { metadata: { uid, labels: mark } }, write)
  }
  const above = owner && (await find(policies, owner, write.signal)).policy
  // The label takes the pod out of the owner's policy: its own must be there by then.
  if (!above) await label()
  const made = await put(policies, one, above ? narrow(form.read(above), egress) : egress, write, above)
  if (above) await label()
  return { ...made, labels: { ...labels, ...mark } }
}

/** All pods of the pod's owner; undefined where they share no label. */
async function partyOf(kubernetes: Kubernetes, pod: FoundPod, signal: AbortSignal): Promise<Party | undefined> {
  const { kind, name, labels } = await workloadOf(pod, kubernetes, signal)
  if (!Object.keys(labels).length) return undefined
  const whom = kind === 'Pod' ? `the pod '${name}'` : `the pods of ${kind} '${name}'`
  return { workload: name, whom, selected: { labels, without: ISOLATED } }
}

interface Policies {
  readonly kubernetes: Kubernetes
  readonly form: PolicyForm
  readonly namespace: string
}

/** Writes a policy, or narrows it. `model` is asked for what else is in it, where there is none yet. */
async function put(
  policies: Policies,
  party: Party,
  wanted: Egress,
  write: Write,
  model?: PolicyObject,
): Promise<Written> {
  const { kubernetes, form, namespace } = policies
  const { kind, resource } = form
  for (let attempt = 1; ; attempt++) {
    const { target, policy } = await find(policies, party, write.signal)
    const before = policy && form.read(policy)
    const egress = before ? narrow(before, wanted) : wanted
    if (egress.deny.length > MOST_DENIED)
      throw new ActionError(
        `the ${kind} '${target.name}' in namespace '${namespace}' denies ${MOST_DENIED} networks already: say what is allowed instead (allow_cidr, allow_namespaces)`,
      )
    const body = {
      apiVersion: `${resource.group}/${resource.version}`,
      kind,
      metadata: { labels: { [MANAGED_BY]: TALON } },
      spec: { ...form.selector(party.selected), ...form.rules(egress, policy ?? model) },
    }
    try {
      await applyPolicy(kubernetes, target, body, { ...write, version: policy?.metadata?.resourceVersion })
      return { name: target.name, whom: party.whom, egress, before }
    } catch (error) {
      const changed = refusalOf(error)?.code === 409 && !isReplaced(error)
      if (!changed || attempt === ATTEMPTS) throw error
    }
  }
}

/** The policy's name, and what bears it. One that selects other pods is left to them: workloads may share a name. */
async function find({ kubernetes, form, namespace }: Policies, { workload, selected }: Party, signal: AbortSignal) {
  const selector = form.selector(selected)
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
    if (Object.keys(selector).every((key) => isDeepStrictEqual(policy.spec?.[key], selector[key])))
      return { target, policy }
  }
  throw new ActionError(
    `the ${form.kind} '${form.prefix ?? ''}${plain}' in namespace '${namespace}' selects other pods, and so does the one with a hash after its name: delete what is out of use`,
  )
}
