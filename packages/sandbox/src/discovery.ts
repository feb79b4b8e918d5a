import { apiVersion, type KindOf } from './kinds.ts'
import { noSuchPath, notServed } from './status.ts'

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

/** How a subresource is told: its verbs, and its kind where it is not its parent's. */
const SUBRESOURCES: Record<string, { verbs: string[]; kind?: string; group?: string; version?: string }> = {
  ephemeralcontainers: { verbs: ['get', 'patch', 'update'] },
  eviction: { verbs: ['create'], kind: 'Eviction', group: 'policy', version: 'v1' },
  exec: { verbs: ['create', 'get'], kind: 'PodExecOptions' },
  log: { verbs: ['get'] },
  scale: { verbs: ['get', 'patch', 'update'], kind: 'Scale', group: 'autoscaling', version: 'v1' },
  status: { verbs: ['get', 'patch', 'update'] },
}

function verbsOf({ plural }: KindOf): string[] {
  if (plural === 'selfsubjectaccessreviews') return ['create']
  return plural === 'namespaces' ? VERBS.filter((verb) => verb !== 'deletecollection') : VERBS
}

/**
 * The answer of `/`, `/api`, `/apis`, `/apis/<group>` and `/api(s)/<group>/<version>`; undefined where the path goes on.
 * @throws ApiError where nobody serves it
 */
export function discovery(path: readonly string[], kinds: Iterable<KindOf>): object | undefined {
  const all = [...kinds]
  const [root, group = '', version] = path
  if (root === undefined) return { paths: ['/api', '/apis', ...new Set(all.map(pathOf))] }
  if (root === 'api') {
    if (path.length === 1) return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }
    return path.length === 2 ? resources('', group, all) : undefined
  }
  if (root !== 'apis') throw notServed()
  const names = [...new Set(all.map((kind) => kind.group))].filter(Boolean)
  if (path.length === 1)
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: names.map((name) => groupOf(name, all)) }
  if (!names.includes(group)) throw notServed()
  if (path.length === 2) return { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(group, all) }
  return path.length === 3 ? resources(group, version ?? '', all) : undefined
}

const pathOf = (kind: KindOf) => `/${kind.group ? 'apis' : 'api'}/${apiVersion(kind)}`

function groupOf(name: string, kinds: readonly KindOf[]) {
  const versions = [...new Set(kinds.filter(({ group }) => group === name).map(({ version }) => version))]
  const entries = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }))
  return { name, versions: entries, preferredVersion: entries[0] }
}

function resources(group: string, version: string, kinds: readonly KindOf[]): object {
  const served = kinds.filter((kind) => kind.group === group && kind.version === version)
  if (!served.length) throw noSuchPath()
  return {
    kind: 'APIResourceList',
    ...(group && { apiVersion: 'v1' }),
    groupVersion: group ? `${group}/${version}` : version,
    resources: served.flatMap((kind) => [
      {
        name: kind.plural,
        singularName: kind.kind.toLowerCase(),
        namespaced: kind.namespaced,
        kind: kind.kind,
        verbs: verbsOf(kind),
      },
      ...kind.subresources.map((name) => ({
        name: `${kind.plural}/${name}`,
        singularName: '',
        namespaced: kind.namespaced,
        kind: kind.kind,
        ...SUBRESOURCES[name],
      })),
    ]),
  }
}
