import type { Permissions, PolicyRule } from '@talon/plugin'
import type { z } from 'zod'
import type { Host } from './host.ts'
import type { Ruleset } from './ruleset.ts'

/** A use of a definition: with it, the parameters that a rule gives, in their input form. */
export interface Use {
  readonly definition: { readonly permissions?: Permissions; readonly parameters?: z.ZodObject }
  readonly parameters?: Readonly<Record<string, unknown>>
}

/** What the rules use, each with the parameters that they give: actionners, outputs, contexts, notifiers. */
export function usesOf(ruleset: Ruleset, host: Pick<Host, 'find'>): Use[] {
  return ruleset.rules.flatMap(({ planned: { steps, notifiers } }) => [
    ...steps.flatMap(({ actionner, parameters, output, contexts }) => [
      ...use(host.find('actionner', actionner), parameters),
      ...(output ? use(host.find('output', output.target), output.parameters) : []),
      ...contexts.flatMap((name) => use(host.find('context', name))),
    ]),
    ...notifiers.flatMap((name) => use(host.find('notifier', name))),
  ])
}

function use(definition: Use['definition'] | undefined, parameters?: Use['parameters']): Use[] {
  return definition ? [{ definition, ...(parameters && { parameters }) }] : []
}

/** The least that must be granted for these uses, each permission once. */
export function permissionsOf(uses: readonly Use[]): Required<Permissions> {
  const names = (of: 'aws' | 'gcp') =>
    [...new Set(uses.flatMap(({ definition }) => definition.permissions?.[of] ?? []))].toSorted()
  return { kubernetes: policyRules(uses), aws: names('aws'), gcp: names('gcp') }
}

/** The least role for these uses: one rule for each resource, its verbs merged; `everywhere` where a verb needs that. */
export function policyRules(uses: readonly Use[]): PolicyRule[] {
  const granted = new Map<string, { verbs: Set<string>; everywhere: boolean }>()
  for (const { definition, parameters } of uses) {
    const values = parameters && filled(definition.parameters, parameters)
    for (const rule of definition.permissions?.kubernetes ?? []) {
      if (values && !applies(rule, values)) continue
      for (const kind of kindsOf(rule, values)) {
        const key = JSON.stringify(kind)
        const { verbs, everywhere } = granted.get(key) ?? { verbs: [], everywhere: false }
        granted.set(key, {
          verbs: new Set([...verbs, ...rule.verbs]),
          everywhere: everywhere || rule.everywhere === true,
        })
      }
    }
  }
  return [...granted]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { verbs, everywhere }]) => {
      const [apiGroup, resource] = JSON.parse(key) as [string, string]
      const rule = { apiGroups: [apiGroup], resources: [resource], verbs: [...verbs].toSorted() }
      return everywhere ? { ...rule, everywhere } : rule
    })
}

/** Pairs of group and resource. A kind that a parameter names without its group is meant in each. */
function kindsOf(rule: PolicyRule, values: Readonly<Record<string, unknown>> = {}): (readonly [string, string])[] {
  const named = rule.kinds === undefined ? undefined : values[rule.kinds]
  if (!Array.isArray(named))
    return rule.apiGroups.flatMap((group) => rule.resources.map((one) => [group, one] as const))
  return named.map((kind) => {
    const [resource = '', ...group] = String(kind).split('.')
    return [group.join('.') || '*', resource] as const
  })
}

function applies({ when = {}, unless }: PolicyRule, parameters: Readonly<Record<string, unknown>>): boolean {
  const has = (values: object) => Object.entries(values).every(([name, value]) => parameters[name] === value)
  return has(when) && !(unless && has(unless))
}

/** With the defaults: a rule that says no `level` means the pod's. What holds tokens may not parse, the rest does. */
function filled(schema: z.ZodObject | undefined, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const defaults = Object.entries<z.ZodType>(schema?.shape ?? {}).map(([name, one]) => [
    name,
    one.safeParse(undefined).data,
  ])
  return { ...Object.fromEntries(defaults), ...given }
}
