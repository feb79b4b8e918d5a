import { firstParty } from '@talon/bundle'
import { inspect, policyRules, readSetup, usesOf, type Config, type Ruleset } from '@talon/core'
import { ConfigError, type Issue, type PolicyRule } from '@talon/plugin'
import { stringify } from 'yaml'
import { bindingOf, roleOf, type Grant, type Wanted } from '../rbac/manifests.ts'
import { clusterScoped } from '../rbac/cluster-scoped.ts'
import { issueText, paintFor } from '../issues/text.ts'
import type { GlobalOptions } from '../command.ts'

interface RbacOptions extends GlobalOptions, Partial<Omit<Wanted, 'bind'>> {
  readonly format?: 'yaml' | 'json'
  readonly bind?: string
}

/** What one rule of Talon needs granted. */
interface Needed {
  readonly rule: string
  readonly grants: readonly PolicyRule[]
}

/**
 * Prints the least role that the rules and the configuration need. Opens nothing.
 * @throws ConfigError where they are wrong, or need what the role that is asked for cannot grant.
 */
export async function rbac(options: RbacOptions): Promise<number> {
  const { config: configPath, rules: rulesPaths, name = 'talon', namespaced = false, format = 'yaml' } = options
  const setup = await readSetup({ configPath, rulesPaths, env: process.env, plugins: await firstParty() })
  // A role depends on what is used, not on the settings, which may be secrets that are not at hand here.
  const { host, ruleset, issues } = inspect({ ...setup, checkSettings: false })
  const errors = [...setup.issues, ...issues].filter(({ level }) => level === 'error')
  if (errors.length || !ruleset) throw new ConfigError(errors)

  const needed = ruleset.rules.map((one): Needed => ({
    rule: one.planned.rule,
    grants: policyRules(usesOf({ ...ruleset, rules: [one] }, host)),
  }))
  if (namespaced) refuseClusterWide(needed)
  for (const warning of wildcards(needed)) console.error(issueText(warning, paintFor(process.stderr)))

  const wanted = { name, namespaced, ...(options.bind !== undefined && { bind: accountOf(options.bind) }) }
  const granted = grantsOf(ruleset, host)
  const own = serverGrants(setup.config).filter((grant) => !granted.some((other) => covers(other, grant)))
  const role = roleOf([...granted, ...own], wanted)
  const manifests = [role, ...bindingOf(wanted)]
  process.stdout.write(format === 'json' ? jsonOf(manifests) : yamlOf(manifests))
  return 0
}

function grantsOf(ruleset: Ruleset, host: Parameters<typeof usesOf>[1]): Grant[] {
  return policyRules(usesOf(ruleset, host)).map(({ apiGroups, resources, verbs }) => ({ apiGroups, resources, verbs }))
}

/**
 * What a server in Kubernetes needs itself: the Lease, and Events about its reloads. A name cannot bound who creates: it is not known
 * to the authorizer yet.
 */
function serverGrants({ deduplication: { leader_election, lease } }: Config): Grant[] {
  if (!leader_election) return []
  const leases = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] }
  return [
    { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create'] },
    { ...leases, verbs: ['create'] },
    { ...leases, resourceNames: [lease.name], verbs: ['get', 'patch'] },
  ]
}

/** Whether the first grants all of the second. */
function covers(wide: Grant, narrow: Grant): boolean {
  const within = (part: 'apiGroups' | 'resources' | 'verbs') => narrow[part].every((name) => wide[part].includes(name))
  return !wide.resourceNames && within('apiGroups') && within('resources') && within('verbs')
}

/** A Role is one namespace's: all rules that need more are named, with what they need. */
function refuseClusterWide(needed: readonly Needed[]): void {
  const issues = needed.flatMap(({ rule, grants }): Issue[] => {
    const wide = grants.filter(
      ({ everywhere, apiGroups, resources }) => everywhere || clusterScoped(apiGroups, resources),
    )
    if (!wide.length) return []
    const what = wide.map(({ verbs, apiGroups, resources }) => `${verbs.join(', ')} ${fullName(apiGroups, resources)}`)
    return [
      {
        level: 'error',
        message: `rule '${rule}': a Role of one namespace cannot grant it ${what.join('; ')}`,
        hint: 'leave out --namespaced, or give the rule to another Talon',
      },
    ]
  })
  if (issues.length) throw new ConfigError(issues)
}

function wildcards(needed: readonly Needed[]): Issue[] {
  return needed.flatMap(({ rule, grants }) =>
    grants
      .filter(({ resources }) => resources.includes('*'))
      .map(({ verbs }): Issue => ({
        level: 'warning',
        message: `rule '${rule}': the role grants ${verbs.join(' and ')} on every kind (*)`,
        hint: "list the kinds in the action's parameters, such as `resources` of kubernetes:delete",
      })),
  )
}

/** `deployments.apps`; a kind of any group is told without one. */
const fullName = ([group = '']: readonly string[], [resource = '']: readonly string[]) =>
  `${resource}${group && group !== '*' ? `.${group}` : ''}`

function accountOf(bind: string): NonNullable<Wanted['bind']> {
  const [namespace, serviceAccount, ...more] = bind.split('/')
  if (!namespace || !serviceAccount || more.length)
    throw new ConfigError(`--bind takes <namespace>/<serviceaccount>, and not '${bind}'`)
  return { namespace, serviceAccount }
}

function yamlOf(manifests: readonly object[]): string {
  return manifests.map((one) => stringify(one, { aliasDuplicateObjects: false })).join('---\n')
}

function jsonOf(manifests: readonly object[]): string {
  const [one] = manifests
  const whole = manifests.length === 1 ? one : { apiVersion: 'v1', kind: 'List', items: manifests }
  return `${JSON.stringify(whole, null, 2)}\n`
}
