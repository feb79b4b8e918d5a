import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KubeConfig, type KubernetesObject } from '@kubernetes/client-node'
import { until, type Cluster } from './cluster.ts'

const TALON = join(import.meta.dirname, '../../cli/bin/talon.mjs')

/** A verb and a resource: `pods`, `pods/log`, `replicasets.apps`. */
export interface Right {
  readonly verb: string
  readonly resource: string
}

/** A ClusterRole as `talon rbac` prints it. */
export interface Role extends KubernetesObject {
  readonly metadata: { readonly name: string }
  readonly rules: readonly {
    readonly apiGroups: readonly [string]
    readonly resources: readonly string[]
    readonly verbs: readonly string[]
  }[]
}

/** A ServiceAccount that has the role which `talon rbac` prints for some rules, and nothing else. */
export interface Account {
  /** Path of a kubeconfig with its token. */
  readonly kubeconfig: string
  readonly role: Role
  /** Takes one verb away, and gives it back with what `restore` prints anew; both wait until the API server goes by it. */
  revoke(right: Right): Promise<void>
  restore(): Promise<void>
  close(): Promise<void>
}

export async function openAccount(cluster: Cluster, namespace: string, name: string, rules: string): Promise<Account> {
  const folder = mkdtempSync(join(tmpdir(), 'talon-e2e-account-'))
  const args = ['--name', `${namespace}-${name}`, '--bind', `${namespace}/${name}`, '--format', 'json']
  const printed = printRole(rules, ...args)
  if (printed.status !== 0) throw new Error(`talon rbac ended with ${printed.status}:\n${printed.stderr}`)
  const { items } = JSON.parse(printed.stdout) as { items: [Role, KubernetesObject] }
  const [role] = items
  const { core, objects } = cluster

  await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name } } })
  for (const item of items) await objects.create(item)
  const kubeconfig = join(folder, 'kubeconfig')
  writeFileSync(kubeconfig, await kubeconfigOf(cluster, namespace, name))

  /** Asks the authorizer itself until it has seen the role. */
  const settle = (right: Right, allowed: boolean) =>
    until(
      async () => ((await mayDo({ ...right, namespace, name }, cluster)) === allowed ? true : undefined),
      `${name} ${allowed ? 'may' : 'may not'} ${right.verb} ${right.resource}`,
    )
  let revoked: Right | undefined
  const replace = async (rules: Role['rules']) => {
    const { metadata } = await objects.read(role)
    const changed = {
      ...role,
      metadata: { name: role.metadata.name, resourceVersion: metadata?.resourceVersion },
      rules,
    }
    await objects.replace(changed as KubernetesObject)
  }
  const [first] = rightsOf(role)
  if (first) await settle(first, true)
  return {
    kubeconfig,
    role,
    async revoke(right) {
      const left = role.rules.map((rule) =>
        resourcesOf(rule).includes(right.resource)
          ? { ...rule, verbs: rule.verbs.filter((verb) => verb !== right.verb) }
          : rule,
      )
      await replace(left.filter(({ verbs }) => verbs.length))
      await settle(right, false)
      revoked = right
    },
    async restore() {
      await replace(role.rules)
      if (revoked) await settle(revoked, true)
    },
    async close() {
      for (const item of items) await objects.delete(item)
      rmSync(folder, { recursive: true })
    },
  }
}

/** Text of a kubeconfig with a token of a ServiceAccount, good for an hour. */
export async function kubeconfigOf(cluster: Cluster, namespace: string, name: string): Promise<string> {
  const { status } = await cluster.core.createNamespacedServiceAccountToken({
    namespace,
    name,
    body: { spec: { audiences: [], expirationSeconds: 3600 } },
  })
  const config = new KubeConfig()
  config.loadFromFile(cluster.kubeconfig)
  const server = config.getCurrentCluster()
  if (!server || !status) throw new Error('no cluster, or no token')
  config.loadFromClusterAndUser(server, { name, token: status.token ?? '' })
  return config.exportConfig()
}

/** Runs `talon rbac` for these rules. */
export function printRole(rules: string, ...args: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'talon-e2e-rbac-'))
  const file = join(folder, 'rules.yaml')
  writeFileSync(file, rules)
  const { status, stdout, stderr } = spawnSync(process.execPath, [TALON, 'rbac', '-r', file, ...args], {
    encoding: 'utf8',
  })
  rmSync(folder, { recursive: true })
  return { status, stdout, stderr }
}

/** What a role grants, one by one. */
export function rightsOf({ rules }: Role): Right[] {
  return rules.flatMap((rule) =>
    resourcesOf(rule).flatMap((resource) => rule.verbs.map((verb) => ({ verb, resource }))),
  )
}

const resourcesOf = ({ apiGroups: [group], resources }: Role['rules'][number]) =>
  resources.map((resource) => {
    const [kind, ...sub] = resource.split('/')
    return [group ? `${kind}.${group}` : kind, ...sub].join('/')
  })

/** Whether a ServiceAccount has a right, by the authorizer itself. */
export async function mayDo(
  { verb, resource: full, namespace, name }: Right & { readonly namespace: string; readonly name: string },
  { objects }: Cluster,
): Promise<boolean> {
  const [kind = '', subresource] = full.split('/')
  const [resource, ...group] = kind.split('.')
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    metadata: {},
    spec: {
      user: `system:serviceaccount:${namespace}:${name}`,
      resourceAttributes: { verb, group: group.join('.'), resource, subresource, namespace },
    },
  }
  const { status } = (await objects.create(review)) as { status?: { allowed?: boolean } }
  return status?.allowed === true
}
