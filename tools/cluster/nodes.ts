// Nodes: the real one that kubelet registers, and those that only kwok knows.
import { callApi } from './api.ts'
import { realNode } from './configs.ts'

interface Node {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}

/** Rejects while kubelet does not take pods. */
export async function realNodeReady(certificate: string): Promise<void> {
  const node = JSON.parse(await callApi(certificate, 'GET', `/api/v1/nodes/${realNode}`)) as Node
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status
  if (ready !== 'True') throw new Error(`node ${realNode} is not ready`)
}

/** A node that is ready and has room, though there is no machine behind it. */
const fakeNode = (name: string) => {
  const room = { cpu: '1000', memory: '1Ti', pods: '100000' }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { type: 'kwok', 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' } },
    spec: { taints: [{ key: 'kwok.x-k8s.io/node', value: 'fake', effect: 'NoSchedule' }] },
    status: {
      capacity: room,
      allocatable: room,
      addresses: [
        { type: 'InternalIP', address: '192.0.2.1' },
        { type: 'Hostname', address: name },
      ],
      conditions: [{ type: 'Ready', status: 'True', reason: 'Kwok', message: 'said to be ready' }],
    },
  }
}

/** Creates `kwok-1` to `kwok-N`: pods with one of them as `spec.nodeName` are said to run. */
export async function createFakeNodes(certificate: string, count: number): Promise<void> {
  for (let number = 1; number <= count; number++) {
    await callApi(certificate, 'POST', '/api/v1/nodes', fakeNode(`kwok-${number}`))
  }
}
