import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kubernetes, type Kubernetes } from '@talon/client-kubernetes'
import type { Logger } from '@talon/plugin'
import { pod, startSandbox, type Sandbox } from '@talon/sandbox'
import { checkPlugin, falcoEvent, memoryNotes } from '@talon/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import plugin, { k8snode } from './index.ts'

checkPlugin(plugin)

let sandbox: Sandbox
let folder: string
let client: Kubernetes
const warned: string[] = []
const log: Logger = { debug() {}, info() {}, warn: (message) => void warned.push(message), error() {} }
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'talon-k8snode-'))
  sandbox = await startSandbox()
  client = await kubernetes.open({ kubeconfig: sandbox.writeKubeconfig(join(folder, 'kubeconfig')) }, { log })
  sandbox.seed(pod({ name: 'web-0' }))
  warned.length = 0
})
afterEach(async () => {
  await client.close()
  await sandbox.close()
  await rm(folder, { recursive: true })
})

/** The facts about the node of a pod of the namespace default. */
function facts(name = 'web-0', event = falcoEvent()) {
  const fields = { pod: name, namespace: 'default' }
  const signal = new AbortController().signal
  return k8snode.run({ event, fields, notes: memoryNotes(), signal, log }, { kubernetes: client })
}

const empty = Object.fromEntries(Object.keys(k8snode.gives).map((name) => [name, '']))

describe('k8snode', () => {
  it("tells of the node of the event's pod", async () => {
    expect(await facts()).toEqual({
      'node.hostname': 'node-1',
      'node.instancetype': 'sandbox.small',
      'node.role': '',
      'node.topology.zone': 'local-a',
      'node.topology.region': 'local',
      'node.spec.providerid': 'sandbox:///node-1',
    })
    expect(warned).toEqual([])
  })

  it('joins several roles, and leaves empty what the node does not tell', async () => {
    const labels = { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/control-plane': '' }
    sandbox.seed(
      { apiVersion: 'v1', kind: 'Node', metadata: { name: 'bare', labels } },
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'web-1', namespace: 'default' },
        spec: { nodeName: 'bare', containers: [{ name: 'main', image: 'x' }] },
      },
    )
    expect(await facts('web-1')).toEqual({ ...empty, 'node.role': 'control-plane,worker' })
  })

  it('gives every fact empty, and a warning, where the pod is gone: the action says what it makes of that', async () => {
    expect(await facts('gone')).toEqual(empty)
    expect(warned).toEqual([expect.stringContaining("'gone'")])
  })

  it('gives no facts of a namesake that came after the event', async () => {
    expect(await facts('web-0', falcoEvent({ fields: { 'k8s.pod.uid': 'another' } }))).toEqual(empty)
  })

  it('reads the node once for all steps of an event', async () => {
    const event = falcoEvent()
    await Promise.all([facts('web-0', event), facts('web-0', event)])
    expect(sandbox.requests.filter(({ path }) => path === '/api/v1/nodes/node-1')).toHaveLength(1)
  })

  it('fails with what is missing where roles do not let it read nodes', async () => {
    sandbox.fail({ method: 'GET', path: /nodes/, status: 403 })
    await expect(facts()).rejects.toThrow(/get.*nodes/)
  })
})
