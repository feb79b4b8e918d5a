import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Agent, request } from 'node:https'
import { KubeConfig } from '@kubernetes/client-node'
import { until } from './ports.ts'

/** Stands before an API server and notes when the writes about each pod arrive. Plain HTTP, on loopback. */
export interface Relay {
  readonly url: string
  readonly kubeconfig: string
  /** The first of each, by `<method> <pod>`, on this process's clock, in milliseconds. */
  readonly arrived: ReadonlyMap<string, number>
  close(): Promise<void>
}

export async function startRelay(kubeconfigPath: string): Promise<Relay> {
  const config = new KubeConfig()
  config.loadFromFile(kubeconfigPath)
  const target = new URL(config.getCurrentCluster()?.server ?? '')
  const token = config.getCurrentUser()?.token ?? ''
  const ca = config.getCurrentCluster()?.caData
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 64,
    ...(ca ? { ca: Buffer.from(ca, 'base64') } : { rejectUnauthorized: false }),
  })
  const arrived = new Map<string, number>()

  function pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    if (incoming.method !== 'GET') {
      // A policy of Talon's is named after its pod.
      const name = incoming.url
        ?.split('?')[0]
        ?.split('/')
        .at(-1)
        ?.replace(/^talon-/, '')
      const key = `${incoming.method} ${name}`
      if (!arrived.has(key)) arrived.set(key, performance.now())
    }
    const upstream = request({
      ...{ agent, host: target.hostname, port: target.port, path: incoming.url, method: incoming.method },
      headers: { ...incoming.headers, host: target.host, authorization: `Bearer ${token}` },
    })
    upstream.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    upstream.on('error', (error) => outgoing.destroy(error))
    incoming.pipe(upstream)
  }

  const server = createServer(pass).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  return {
    url,
    arrived,
    kubeconfig: JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'relay', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'nobody', user: {} }],
      contexts: [{ name: 'relay', context: { cluster: 'relay', user: 'nobody' } }],
      'current-context': 'relay',
    }),
    async close() {
      agent.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Creates pods on a node that kwok plays, some at a time. */
export async function createPods(url: string, namespace: string, names: readonly string[]): Promise<void> {
  const rest = [...names]
  const one = async (): Promise<void> => {
    for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
      const answer = await fetch(`${url}/api/v1/namespaces/${namespace}/pods`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name, namespace, labels: { app: name } },
          spec: {
            nodeName: 'kwok-1',
            tolerations: [{ operator: 'Exists' }],
            containers: [{ name: 'main', image: 'none' }],
          },
        }),
      })
      if (!answer.ok) throw new Error(`creating ${name}: ${answer.status} ${await answer.text()}`)
      await answer.arrayBuffer()
    }
  }
  await Promise.all(Array.from({ length: 16 }, one))
  // Until all are said to run, kwok and the controllers are busy with them, and the measurement would be of that.
  const waiting = `${url}/api/v1/namespaces/${namespace}/pods?fieldSelector=status.phase!=Running&limit=1`
  await until(async () => {
    const { items } = (await (await fetch(waiting)).json()) as { items: unknown[] }
    if (items.length) throw new Error('not all pods run')
  }, 500)
}
