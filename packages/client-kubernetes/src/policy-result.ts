import { done, type Result } from '@talon/plugin'
import type { Egress } from './egress.ts'
import type { FoundPod } from './pod.ts'
import type { Isolation } from './policy.ts'

interface About {
  /** `CiliumNetworkPolicy` */
  readonly kind: string
  readonly pod: FoundPod
  readonly dryRun: boolean
}

/** How many networks and namespaces a message names. */
const TOLD = 10

/** What came of a policy, for people; the output is what changed, as lines `-` and `+`. */
export function toldOf(made: Isolation, { kind, pod, dryRun }: About): Result {
  const { name, namespace } = pod.metadata
  const { deny, allow } = made.egress
  const open = allow === 'everything' ? ['everything else'] : [...allow.cidrs, ...allow.namespaces.map(namespaced)]
  const denied = deny.length ? `denies ${listed(deny)} and ` : ''
  const does = `${denied}${open.length ? `allows ${listed(open)}` : 'allows nothing'}`
  const output = changes(made.before, made.egress)
  const state = dryRun ? 'would be so' : output ? 'was set' : 'was so already'
  const message = `the ${kind} '${made.name}' in namespace '${namespace}' ${does} for egress of ${made.whom}`
  const also = made.also ? `; so was the pod's own, '${made.also}'` : ''
  const objects = { pod: name, namespace, networkpolicy: made.name }
  return done(`${dryRun ? 'dry run: ' : ''}${message}; it ${state}${also}`, objects, output ? { output } : {})
}

function changes(before: Egress | undefined, after: Egress): string {
  const old = before ? linesOf(before) : []
  const now = linesOf(after)
  return [
    ...old.filter((line) => !now.includes(line)).map((line) => `- ${line}`),
    ...now.filter((line) => !old.includes(line)).map((line) => `+ ${line}`),
  ].join('\n')
}

function linesOf({ deny, allow }: Egress): string[] {
  const denied = deny.map((cidr) => `deny ${cidr}`)
  if (allow === 'everything') return [...denied, 'allow everything else']
  const allowed = [...allow.cidrs, ...allow.namespaces.map(namespaced)].map((one) => `allow ${one}`)
  return [...denied, ...(allowed.length ? allowed : ['allow nothing'])]
}

const namespaced = (name: string) => `namespace ${name}`
const listed = (all: readonly string[]) =>
  `${all.slice(0, TOLD).join(', ')}${all.length > TOLD ? ` and ${all.length - TOLD} more` : ''}`
