import type { Cluster } from './cluster.ts'
import type { KubeObject } from './objects.ts'
import type { Store } from './store.ts'

const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease']

/** Puts objects into the store, as they are; the namespaces and nodes that they need come by themselves. */
export function createSeed(store: Store, { kindOf, define }: Pick<Cluster, 'kindOf' | 'define'>) {
  function ensure(object: KubeObject): void {
    const kind = kindOf(object)
    if (kind && !store.find(kind, undefined, object.metadata.name)) store.create(kind, object)
  }

  function seed(...objects: readonly (KubeObject | KubeObject[])[]): void {
    for (const object of objects.flat()) {
      const kind = kindOf(object)
      if (!kind) throw new TypeError(`the sandbox serves no ${object.apiVersion} ${object.kind}`)
      const { namespace } = object.metadata
      const node = object.kind === 'Pod' ? object.spec?.['nodeName'] : undefined
      if (namespace !== undefined) ensure(namespaceOf(namespace))
      if (typeof node === 'string') ensure(nodeOf(node))
      store.create(kind, object)
      define(object)
    }
  }

  for (const name of NAMESPACES) ensure(namespaceOf(name))
  ensure(nodeOf('node-1'))
  return seed
}

const namespaceOf = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
  spec: {},
  status: { phase: 'Active' },
})

const nodeOf = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name,
    labels: {
      'kubernetes.io/hostname': name,
      'kubernetes.io/os': 'linux',
      'node.kubernetes.io/instance-type': 'sandbox.small',
      'topology.kubernetes.io/region': 'local',
      'topology.kubernetes.io/zone': 'local-a',
    },
  },
  spec: { providerID: `sandbox:///${name}` },
  status: { conditions: [{ type: 'Ready', status: 'True' }], addresses: [{ type: 'Hostname', address: name }] },
})
