import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAccount, printRole, rightsOf, type Right } from './account.ts'
import { openCluster, real, until, type Cluster } from './cluster.ts'
import { clusterScopedKinds } from './discovery.ts'
import { falcoEvent } from './events.ts'
import { startReceiver } from './receiver.ts'
import { startServer } from './server.ts'

/** An action, and a verb without which it must fail. */
interface Case extends Right {
  readonly actionner: string
  /** The rest of the action, in YAML. */
  readonly more?: string
  /** More of the rule, in YAML. */
  readonly rule?: string
  /** Whether the pod belongs to a ReplicaSet. */
  readonly owned?: boolean
  readonly fields?: Readonly<Record<string, string>>
}

const CASES: readonly Case[] = [
  { actionner: 'label', more: 'parameters: { labels: { a: b } }', verb: 'patch', resource: 'pods' },
  { actionner: 'label', more: 'parameters: { labels: { a: b }, level: node }', verb: 'patch', resource: 'nodes' },
  { actionner: 'annotation', more: 'parameters: { annotations: { a: b } }', verb: 'get', resource: 'pods' },
  {
    actionner: 'log',
    more: 'output: { target: "local:file", parameters: { destination: "{folder}" } }',
    verb: 'get',
    resource: 'pods/log',
  },
  { actionner: 'exec', more: 'parameters: { command: "true" }', verb: 'create', resource: 'pods/exec' },
  {
    actionner: 'script',
    more: 'parameters: { script: "test \\"$NODE_HOSTNAME\\"" }, additional_contexts: [k8snode]',
    verb: 'get',
    resource: 'nodes',
  },
  { actionner: 'networkpolicy', verb: 'create', resource: 'networkpolicies.networking.k8s.io' },
  { actionner: 'terminate', verb: 'delete', resource: 'pods' },
  {
    actionner: 'terminate',
    more: 'parameters: { min_healthy_replicas: "1" }',
    owned: true,
    verb: 'get',
    resource: 'replicasets.apps',
  },
  {
    actionner: 'delete',
    more: 'parameters: { resources: [configmaps] }',
    fields: { 'ka.target.resource': 'configmaps', 'ka.target.name': 'made', 'ka.uri': '/api/v1/configmaps' },
    verb: 'delete',
    resource: 'configmaps.*',
  },
  { actionner: 'cordon', rule: 'dry_run: true', verb: 'patch', resource: 'nodes' },
  { actionner: 'drain', rule: 'dry_run: true', verb: 'list', resource: 'pods' },
]

let cluster: Cluster
let receiver: Awaited<ReturnType<typeof startReceiver>>
let namespace: string
beforeAll(async () => {
  if (!real) return
  cluster = await openCluster()
  receiver = await startReceiver()
  namespace = await cluster.newNamespace()
}, 240_000)
afterAll(async () => {
  if (!real) return
  await receiver.close()
  await cluster.close()
}, 240_000)

/** A pod for the case, by its name. */
async function podFor({ owned = false }: Case, name: string): Promise<string> {
  if (!owned) {
    await cluster.runPod(namespace, name)
    return name
  }
  const { spec } = await cluster.runPod(namespace, `${name}-model`)
  const [container] = spec?.containers ?? []
  const labels = { app: name }
  await cluster.objects.create({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name, namespace },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          nodeName: spec?.nodeName,
          terminationGracePeriodSeconds: 1,
          containers: [{ name: 'main', image: container?.image, command: container?.command }],
        },
      },
    },
  } as never)
  return until(async () => {
    const { items } = await cluster.core.listNamespacedPod({ namespace, labelSelector: `app=${name}` })
    const ready = items.filter(({ status }) => status?.containerStatuses?.every(({ ready: one }) => one))
    return ready.length === 2 ? ready[0]?.metadata?.name : undefined
  }, `the ReplicaSet ${name} is ready`)
}

describe.runIf(real)('a server that has what `talon rbac` prints, and nothing else', { timeout: 240_000 }, () => {
  it.each(CASES.map((one, n) => ({ ...one, name: `case-${n}`, does: [one.actionner, one.more].join(' ').trim() })))(
    '$does succeeds, and without $verb $resource says that this is missing',
    async (one) => {
      const { name, actionner, more, rule = 'dry_run: false', verb, resource } = one
      const rules = `- rule: ${name}\n  ${rule}\n  actions:\n    - { action: It, actionner: "kubernetes:${actionner}"${more ? `, ${more}` : ''} }\n`
      const account = await openAccount(cluster, namespace, name, rules)
      const server = await startServer({
        kubeconfig: account.kubeconfig,
        rules,
        config: `default_notifiers: [webhook]\nnotifiers: { webhook: { url: "${receiver.url}" } }\n`,
      })
      try {
        expect(rightsOf(account.role)).toContainEqual({ verb, resource })
        const pod = await podFor(one, name)
        if (actionner === 'delete')
          await cluster.core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'made' } } })
        const respond = async (mark: string) => {
          const target = one.fields ? { 'ka.target.namespace': namespace } : { 'k8s.ns.name': namespace }
          const fields = { ...target, ...(!one.fields && { 'k8s.pod.name': pod }), ...one.fields, mark }
          expect((await server.post(falcoEvent(name, fields))).status).toBe(202)
          const mine = () =>
            receiver.received.find(
              ({ falco, output_target }) => falco.output_fields['mark'] === mark && output_target === undefined,
            )
          return until(mine, `${name} is told`)
        }
        await account.revoke({ verb, resource })
        const refused = await respond(`${name} refused`)
        expect(refused).toMatchObject({ status: 'failure' })
        const wide = resource === 'nodes' || verb === 'list'
        const what = `${verb} ${resource.replace('.*', '')}( '[^']+')?${wide ? '' : ` in namespace '${namespace}'`}`
        expect(refused.error).toMatch(new RegExp(`Talon(?: may not)? ${what}[:;]`))

        await account.restore()
        const { status, error } = await respond(`${name} allowed`)
        expect([status, error]).toEqual(['success', undefined])
      } finally {
        await server.stop()
        await account.close()
      }
    },
  )

  it('knows every kind of this cluster that has no namespace and can be deleted', async () => {
    // The command asks no cluster: its table must not be older than the API.
    const kinds = await clusterScopedKinds(cluster.kubeconfig)
    expect(kinds).toContain('nodes')
    const rules = `- rule: Undo\n  actions:\n    - { action: It, actionner: "kubernetes:delete", parameters: { resources: [${kinds.join(', ')}] } }\n`
    const { stderr } = printRole(rules, '--namespaced')
    expect(kinds.filter((kind) => !stderr.includes(` ${kind}`))).toEqual([])
  })
})
