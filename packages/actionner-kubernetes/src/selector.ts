import type { NetworkPolicy } from '@talon/client-kubernetes'

/** Which pods are meant, by their labels. */
export type Selector = NonNullable<NonNullable<NetworkPolicy['spec']>['podSelector']>

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
