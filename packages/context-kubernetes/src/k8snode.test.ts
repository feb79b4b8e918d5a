import type { Logger } from '@talon/plugin'
import { pod } from '@talon/sandbox'
import { checkPlugin, falcoEvent, memoryNotes } from '@talon/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStand, type Stand } from '../../client-kubernetes/testing/stand.ts'
import plugin, { k8snode } from './index.ts'

checkPlugin(plugin)

let stand: Stand
const warned: string[] = []
const log: Logger = { debug() {}, info() {}, warn: (message) => void warned.push(message), error() {} }
beforeEach(async () => {
  warned.length = 0
  stand = await openStand({}, log)
  stand.sandbox.seed(pod({ name: 'web-0' }))
})
afterEach(() => stand.close())

/** The facts about the node of a pod of the namespace default. */
function facts(name = 'web-0', event = falcoEvent()) {
  const fields = { pod: name, namespace: 'default' }
  const signal = new AbortController().signal
  return k8snode.run({ event, fields, notes: memoryNotes(), signal, log }, { kubernetes: stand.client })
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
    stand.sandbox.seed(
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
    expect(stand.sandbox.requests.filter(({ path }) => path === '/api/v1/nodes/node-1')).toHaveLength(1)
  })

  it('fails with what is missing where roles do not let it read nodes', async () => {
    stand.sandbox.fail({ method: 'GET', path: /nodes/, status: 403 })
    await expect(facts()).rejects.toThrow(/get.*nodes/)
  })
})
