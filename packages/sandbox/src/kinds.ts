import type { KubeObject } from './objects.ts'

/** A kind of object that the sandbox serves. */
export interface KindOf {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
  readonly subresources: readonly string[]
  /** Defined by a CRD: no strategic merge. */
  readonly custom?: boolean
}

const row = (
  group: string,
  version: string,
  plural: string,
  kind: string,
  namespaced = true,
  subresources: readonly string[] = [],
): KindOf => ({
  group,
  version,
  plural,
  kind,
  namespaced,
  subresources,
})

/** What a fresh cluster serves, as far as plugins ask. */
export const KINDS: readonly KindOf[] = [
  row('', 'v1', 'pods', 'Pod', true, ['log', 'exec', 'eviction', 'ephemeralcontainers', 'status']),
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
  row('', 'v1', 'replicationcontrollers', 'ReplicationController', true, ['status', 'scale']),
  row('apps', 'v1', 'deployments', 'Deployment', true, ['status', 'scale']),
  row('apps', 'v1', 'replicasets', 'ReplicaSet', true, ['status', 'scale']),
  row('apps', 'v1', 'statefulsets', 'StatefulSet', true, ['status', 'scale']),
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

/** Kinds of the network plugins that have policies of their own, for `startSandbox({ kinds })`. */
export const POLICY_KINDS: readonly KindOf[] = [
  row('projectcalico.org', 'v3', 'networkpolicies', 'NetworkPolicy'),
  row('projectcalico.org', 'v3', 'globalnetworkpolicies', 'GlobalNetworkPolicy', false),
  row('crd.projectcalico.org', 'v1', 'networkpolicies', 'NetworkPolicy'),
  row('crd.projectcalico.org', 'v1', 'globalnetworkpolicies', 'GlobalNetworkPolicy', false),
  row('cilium.io', 'v2', 'ciliumnetworkpolicies', 'CiliumNetworkPolicy'),
  row('cilium.io', 'v2', 'ciliumclusterwidenetworkpolicies', 'CiliumClusterwideNetworkPolicy', false),
].map((kind) => ({ ...kind, custom: true }))

/** The kinds that a CustomResourceDefinition defines, one a served version. */
export function kindsOfCrd({ spec = {} }: KubeObject): KindOf[] {
  const { group, names, scope, versions } = spec as unknown as {
    group: string
    names: { plural: string; kind: string }
    scope: string
    versions: { name: string; served: boolean; subresources?: object }[]
  }
  return versions
    .filter(({ served }) => served)
    .map(({ name: version, subresources = {} }) => ({
      group,
      version,
      plural: names.plural,
      kind: names.kind,
      namespaced: scope === 'Namespaced',
      subresources: Object.keys(subresources),
      custom: true,
    }))
}

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

/** Subresources that are a kind of their own, or take other verbs. */
const SUBRESOURCES: Readonly<
  Record<string, readonly [{ group: string; version: string; kind: string } | undefined, readonly string[]]>
> = {
  log: [undefined, ['get']],
  exec: [{ group: '', version: 'v1', kind: 'PodExecOptions' }, ['create', 'get']],
  eviction: [{ group: 'policy', version: 'v1', kind: 'Eviction' }, ['create']],
  scale: [{ group: 'autoscaling', version: 'v1', kind: 'Scale' }, ['get', 'patch', 'update']],
}

export const apiVersion = ({ group, version }: Pick<KindOf, 'group' | 'version'>) =>
  group ? `${group}/${version}` : version

/** The answer of `/api`, `/apis` and `/api(s)/<group>/<version>`; undefined where it is none of them. */
export function discovery(path: readonly string[], kinds: readonly KindOf[]): object | undefined {
  const [root, ...rest] = path
  if (root === 'api' && !rest.length)
    return {
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '127.0.0.1' }],
    }
  if (root === 'apis' && rest.length < 2) {
    const groups = [...new Set(kinds.map(({ group }) => group))].filter(Boolean).map((group) => groupOf(group, kinds))
    if (!rest.length) return { kind: 'APIGroupList', apiVersion: 'v1', groups }
    const found = groups.find(({ name }) => name === rest[0])
    return found && { kind: 'APIGroup', apiVersion: 'v1', ...found }
  }
  const [group = '', version] = root === 'api' ? ['', rest[0]] : rest
  if (rest.length !== (root === 'api' ? 1 : 2)) return undefined
  const served = kinds.filter((kind) => kind.group === group && kind.version === version)
  if (!served.length) return undefined
  const resources = served.flatMap(({ plural, kind, namespaced, subresources }) => [
    {
      name: plural,
      singularName: kind.toLowerCase(),
      namespaced,
      kind,
      verbs: plural === 'selfsubjectaccessreviews' ? ['create'] : VERBS,
    },
    ...subresources.map((name) => {
      const [as, verbs] = SUBRESOURCES[name] ?? [undefined, ['get', 'patch', 'update']]
      return { name: `${plural}/${name}`, singularName: '', namespaced, ...as, kind: as?.kind ?? kind, verbs }
    }),
  ])
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: group ? `${group}/${version}` : version, resources }
}

function groupOf(name: string, kinds: readonly KindOf[]) {
  const versions = [...new Set(kinds.filter(({ group }) => group === name).map(({ version }) => version))]
  const entries = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }))
  return { name, versions: entries, preferredVersion: entries[0] }
}
