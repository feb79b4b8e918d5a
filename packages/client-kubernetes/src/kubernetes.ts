import { defineClient } from '@talon/plugin'
import { z } from 'zod'
import { createKubernetes, type Kubernetes } from './api.ts'
import { createConnection } from './connection.ts'
import { createCredentials } from './credentials.ts'

const settings = z.object({
  kubeconfig: z
    .string()
    .optional()
    .describe("Path of a kubeconfig; without it the pod's service account, else the kubeconfig that kubectl takes"),
})

/** The Kubernetes API, with connections that are kept. Opening it sends nothing. */
export const kubernetes = defineClient({
  name: 'kubernetes',
  summary: 'The Kubernetes API: objects, logs, commands in pods',
  settings,
  async open({ kubeconfig }): Promise<Kubernetes> {
    const [{ KubeConfig }, { Agent, ProxyAgent, request }, { WebSocket }, { parse }] = await Promise.all([
      import('@kubernetes/client-node'),
      import('undici'),
      import('ws'),
      import('yaml'),
    ])
    const credentials = createCredentials({
      path: kubeconfig || undefined,
      env: process.env,
      make: () => new KubeConfig(),
      parse: (text) => parse(text) as unknown,
      now: () => performance.now(),
    })
    return createKubernetes(createConnection(credentials, { Agent, ProxyAgent, request }), WebSocket)
  },
  close: (client) => client.close(),
  check: (client, signal) => client.check(signal),
})
