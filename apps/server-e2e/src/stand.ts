import { expect } from 'vitest'
import { openCluster, until, type Cluster } from './cluster.ts'
import { falcoEvent } from './events.ts'
import { startReceiver, type Notification } from './receiver.ts'
import { startServer, type Server } from './server.ts'

/** A cluster, a server with some rules, and a webhook that is told: what most of the suite stands on. */
export interface Stand {
  readonly cluster: Cluster
  readonly server: Server
  /** A namespace of its own. */
  readonly namespace: string
  /** Posts an event about a pod of the namespace; `source` among the fields is the event's own, and gives what is told of the first action, or of the output. */
  respond(rule: string, fields: Readonly<Record<string, unknown>>, stage?: 'action' | 'output'): Promise<Notification>
  close(): Promise<void>
}

export async function openStand(
  rules: string,
  prepare: (cluster: Cluster) => Promise<void> = async () => {},
): Promise<Stand> {
  const cluster = await openCluster()
  await prepare(cluster)
  const receiver = await startReceiver()
  const namespace = await cluster.newNamespace()
  const config = `default_notifiers: [webhook]\nnotifiers: { webhook: { url: "${receiver.url}" } }`
  const server = await startServer({ kubeconfig: cluster.kubeconfig, rules, config })
  let asked = 0
  return {
    cluster,
    server,
    namespace,
    async respond(rule, fields, stage = 'action') {
      const mark = `${rule} ${asked++}`
      const { source = 'syscall', ...rest } = fields
      const event = falcoEvent(rule, { 'k8s.ns.name': namespace, mark, ...rest }, { source })
      expect((await server.post(event)).status).toBe(202)
      // An action that failed has no output to wait for.
      const mine = () =>
        receiver.received.find(
          ({ falco, message, status }) =>
            falco.output_fields['mark'] === mark && (message === stage || status === 'failure'),
        )
      return until(mine, `${rule} is told`)
    },
    async close() {
      await server.stop()
      await receiver.close()
      await cluster.close()
    },
  }
}
