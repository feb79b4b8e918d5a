import type { NetworkPolicy } from '@talon/client-kubernetes'

/** Which pods are meant, by their labels. */
export type Selector = NonNullable<NonNullable<NetworkPolicy['spec']>['podSelector']>

/** Labels that a controller puts on some of its pods only: each version, or each pod, has its own. */
const OF_VERSION = ['pod-template-hash', 'controller-revision-hash', 'pod-template-generation']

/** The selector of a workload, less the hashes: it selects the pods of all its versions. */
export function withoutHashes({ matchLabels = {}, matchExpressions = [] }: Selector): Selector {
  const labels = Object.entries(matchLabels).filter(([key]) => !OF_VERSION.includes(key))
  const expressions = matchExpressions.filter(({ key }) => !OF_VERSION.includes(key))
  return {
    ...(labels.length && { matchLabels: Object.fromEntries(labels) }),
    ...(expressions.length && { matchExpressions: expressions }),
  }
}

/** Whether it selects everything. */
export function isEmpty({ matchLabels = {}, matchExpressions = [] }: Selector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0
}

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors */
export function selects(selector: Selector, labels: Readonly<Record<string, string>> = {}): boolean {
  const same = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value)
  return same && (selector.matchExpressions ?? []).every((expression) => holds(expression, labels))
}

type Expression = NonNullable<Selector['matchExpressions']>[number]

function holds({ key, operator, values = [] }: Expression, labels: Readonly<Record<string, string>>): boolean {
  const value = labels[key]
  if (operator === 'Exists') return value !== undefined
  if (operator === 'DoesNotExist') return value === undefined
  if (operator === 'In') return value !== undefined && values.includes(value)
  return value === undefined || !values.includes(value)
}
