import type { KubeObject } from './objects.ts'

/** A kind of object that the sandbox serves. */
export interface KindOf {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
  readonly subresources: readonly string[]
  /** Of a CustomResourceDefinition: no strategic merge, and lists without keys. */
  readonly custom?: boolean
}

const row = (
  group: string,
  version: string,
  plural: string,
  kind: string,
  namespaced = true,
  subresources: readonly string[] = [],
): KindOf => ({ group, version, plural, kind, namespaced, subresources })

/** What a fresh cluster serves, as far as plugins ask. */
export const KINDS: readonly KindOf[] = [
  row('', 'v1', 'pods', 'Pod', true, ['ephemeralcontainers', 'eviction', 'exec', 'log', 'status']),
  row('', 'v1', 'nodes', 'Node', false, ['status']),
  row('', 'v1', 'namespaces', 'Namespace', false, ['status']),
  row('', 'v1', 'events', 'Event'),
  row('', 'v1', 'services', 'Service', true, ['status']),
  row('', 'v1', 'endpoints', 'Endpoints'),
  row('', 'v1', 'configmaps', 'ConfigMap'),
  row('', 'v1', 'secrets', 'Secret'),
  row('', 'v1', 'serviceaccounts', 'ServiceAccount'),
  row('', 'v1', 'persistentvolumes', 'PersistentVolume', false, ['status']),
  row('', 'v1', 'persistentvolumeclaims', 'PersistentVolumeClaim', true, ['status']),
  row('', 'v1', 'replicationcontrollers', 'ReplicationController', true, ['scale', 'status']),
  row('apps', 'v1', 'deployments', 'Deployment', true, ['scale', 'status']),
  row('apps', 'v1', 'replicasets', 'ReplicaSet', true, ['scale', 'status']),
  row('apps', 'v1', 'statefulsets', 'StatefulSet', true, ['scale', 'status']),
  row('apps', 'v1', 'daemonsets', 'DaemonSet', true, ['status']),
  row('batch', 'v1', 'jobs', 'Job', true, ['status']),
  row('batch', 'v1', 'cronjobs', 'CronJob', true, ['status']),
  row('networking.k8s.io', 'v1', 'networkpolicies', 'NetworkPolicy'),
  row('networking.k8s.io', 'v1', 'ingresses', 'Ingress', true, ['status']),
  row('policy', 'v1', 'poddisruptionbudgets', 'PodDisruptionBudget', true, ['status']),
  row('coordination.k8s.io', 'v1', 'leases', 'Lease'),
  row('events.k8s.io', 'v1', 'events', 'Event'),
  row('rbac.authorization.k8s.io', 'v1', 'roles', 'Role'),
  row('rbac.authorization.k8s.io', 'v1', 'rolebindings', 'RoleBinding'),
  row('rbac.authorization.k8s.io', 'v1', 'clusterroles', 'ClusterRole', false),
  row('rbac.authorization.k8s.io', 'v1', 'clusterrolebindings', 'ClusterRoleBinding', false),
  row('authorization.k8s.io', 'v1', 'selfsubjectaccessreviews', 'SelfSubjectAccessReview', false),
  row('apiextensions.k8s.io', 'v1', 'customresourcedefinitions', 'CustomResourceDefinition', false, ['status']),
]

const custom = (kind: KindOf): KindOf => ({ ...kind, custom: true })

/** Kinds of the network plugins that have policies of their own, for `startSandbox({ kinds })`. */
export const POLICY_KINDS: readonly KindOf[] = [
  row('projectcalico.org', 'v3', 'networkpolicies', 'NetworkPolicy'),
  row('projectcalico.org', 'v3', 'globalnetworkpolicies', 'GlobalNetworkPolicy', false),
  row('crd.projectcalico.org', 'v1', 'networkpolicies', 'NetworkPolicy'),
  row('crd.projectcalico.org', 'v1', 'globalnetworkpolicies', 'GlobalNetworkPolicy', false),
  row('cilium.io', 'v2', 'ciliumnetworkpolicies', 'CiliumNetworkPolicy'),
  row('cilium.io', 'v2', 'ciliumclusterwidenetworkpolicies', 'CiliumClusterwideNetworkPolicy', false),
].map(custom)

export const apiVersion = ({ group, version }: Pick<KindOf, 'group' | 'version'>) =>
  group ? `${group}/${version}` : version

/** Kinds whose objects count the changes of their spec in `metadata.generation`. */
export const counted = ({ group, plural }: KindOf) =>
  group === ''
    ? ['pods', 'replicationcontrollers'].includes(plural)
    : !['coordination.k8s.io', 'events.k8s.io', 'rbac.authorization.k8s.io'].includes(group)

/** The kinds that are served now: CRDs come and go. */
export class Kinds {
  readonly #all = new Map<string, KindOf>()

  constructor(kinds: Iterable<KindOf>) {
    for (const kind of kinds) this.add(kind)
  }

  [Symbol.iterator](): IterableIterator<KindOf> {
    return this.#all.values()
  }

  add(kind: KindOf): void {
    this.#all.set(`${kind.group}/${kind.version}/${kind.plural}`, kind)
  }

  remove(kind: KindOf): void {
    this.#all.delete(`${kind.group}/${kind.version}/${kind.plural}`)
  }

  at(group: string, version: string, plural: string): KindOf | undefined {
    return this.#all.get(`${group}/${version}/${plural}`)
  }

  /** The kind of a resource, `pods` or `deployments` and `apps`. */
  named(plural: string, group = ''): KindOf | undefined {
    return this.#all.values().find((kind) => kind.plural === plural && kind.group === group)
  }

  /** The kind that an object says it has. */
  of({ kind, apiVersion: version }: Pick<KubeObject, 'kind' | 'apiVersion'>): KindOf | undefined {
    return this.#all.values().find((each) => each.kind === kind && apiVersion(each) === version)
  }
}
