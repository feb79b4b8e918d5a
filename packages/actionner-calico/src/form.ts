import type { Egress, Kubernetes, PolicyForm, PolicyObject, Selected } from '@talon/client-kubernetes'
import { ActionError } from '@talon/plugin'

/** A rule of a Calico policy, as far as Talon writes it. */
interface Rule {
  readonly action: string
  readonly destination?: { readonly nets?: readonly string[]; readonly namespaceSelector?: string }
}

const RESOURCE = 'networkpolicies'
/** The API of Calico's own API server, else what Calico keeps in the cluster. */
const APIS = [
  { group: 'projectcalico.org', version: 'v3', prefix: '' },
  // Calico's own store puts the tier before the name, and looks policies up by it.
  { group: 'crd.projectcalico.org', version: 'v1', prefix: 'default.' },
] as const

/** The policy as this cluster takes it. @throws ActionError where it knows neither API of Calico */
export async function servedForm(
  kubernetes: Pick<Kubernetes, 'resolve'>,
  order: number | undefined,
  signal: AbortSignal,
): Promise<PolicyForm> {
  for (const { group, version, prefix } of APIS) {
    const [served] = await kubernetes.resolve({ resource: RESOURCE, group, version }, signal)
    if (served) return formOf({ group, version, resource: RESOURCE }, prefix, order)
  }
  throw new ActionError(
    'the cluster serves no policies of Calico, neither projectcalico.org/v3 nor crd.projectcalico.org/v1: install Calico, or use kubernetes:networkpolicy',
  )
}

/** Calico's name of a namespace as a label; each namespace has it. */
const NAMESPACE = /^projectcalico\.org\/name == '([a-z0-9-]+)'$/

const formOf = (resource: PolicyForm['resource'], prefix: string, order: number | undefined): PolicyForm => ({
  resource,
  prefix,
  kind: 'NetworkPolicy',
  selector: (selected) => ({ selector: selectorOf(selected) }),
  rules: (egress, before) => ({ types: ['Egress'], egress: rulesOf(egress), ...orderOf(before, order) }),
  read: ({ spec }) => readRules((spec?.['egress'] ?? []) as Rule[]),
})

/** Keys and values of labels hold neither quotes nor spaces. */
function selectorOf({ labels, without }: Selected): string {
  const has = Object.entries(labels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key} == '${value}'`)
  return [...has, ...(without === undefined ? [] : [`!has(${without})`])].join(' && ')
}

/** The first of both places: what comes later is asked less. */
function orderOf(before: PolicyObject | undefined, order: number | undefined): { readonly order?: number } {
  const known = [before?.spec?.['order'], order].filter((one) => typeof one === 'number')
  return known.length ? { order: Math.min(...known) } : {}
}

function rulesOf({ deny, allow }: Egress): Rule[] {
  const denied: Rule[] = deny.length ? [{ action: 'Deny', destination: { nets: deny } }] : []
  if (allow === 'everything') return [...denied, { action: 'Allow' }]
  return [
    ...denied,
    ...(allow.cidrs.length ? [{ action: 'Allow', destination: { nets: allow.cidrs } }] : []),
    ...allow.namespaces.map((name) => ({
      action: 'Allow',
      destination: { namespaceSelector: `projectcalico.org/name == '${name}'` },
    })),
  ]
}

/** What Talon does not write itself is left out where it allows; where it denies, the networks are kept. */
function readRules(rules: readonly Rule[]): Egress {
  const deny = rules.filter(({ action }) => action === 'Deny').flatMap(({ destination }) => destination?.nets ?? [])
  const allowing = rules.filter(({ action }) => action === 'Allow')
  if (allowing.some((rule) => isAll(rule))) return { deny, allow: 'everything' }
  const only = (rule: Rule, key: string) => hasOnly(rule, ['action', 'destination']) && hasOnly(rule.destination, [key])
  return {
    deny,
    allow: {
      cidrs: allowing.flatMap((rule) => (only(rule, 'nets') ? (rule.destination?.nets ?? []) : [])),
      namespaces: allowing.flatMap((rule) => {
        const [, name] = NAMESPACE.exec(rule.destination?.namespaceSelector ?? '') ?? []
        return name !== undefined && only(rule, 'namespaceSelector') ? [name] : []
      }),
    },
  }
}

/** The API server writes empty parts into what was left out. */
const present = (part: object = {}) => Object.entries(part).filter(([, value]) => !isEmpty(value))
const isEmpty = (value: unknown) => typeof value === 'object' && value !== null && Object.keys(value).length === 0
const hasOnly = (part: object | undefined, keys: readonly string[]) =>
  present(part).every(([key]) => keys.includes(key))
const isAll = (rule: Rule) => hasOnly(rule, ['action'])
