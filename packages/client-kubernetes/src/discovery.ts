import type { Connection } from './connection.ts'
import { isNotFound } from './failure.ts'
import type { Resource } from './objects.ts'

/** A kind as the API server serves it, in the version that it prefers where none was asked for. */
export interface Served extends Resource {
  readonly kind: string
  readonly namespaced: boolean
  readonly verbs: readonly string[]
}

/** Which kind is looked for. */
export interface Sought {
  /** Plural, as paths and the audit log write it: `networkpolicies`. Of `pods/log` the part before the slash counts. */
  readonly resource: string
  /** Empty for the core group; every group is looked through where it is undefined. */
  readonly group?: string | undefined
  readonly version?: string | undefined
}

interface Group {
  readonly name: string
  readonly preferredVersion?: { readonly version: string }
  readonly versions?: readonly { readonly version: string }[]
}
interface Listed {
  readonly name: string
  readonly kind: string
  readonly namespaced: boolean
  readonly verbs: readonly string[]
}

/** The kinds served under that name, the core group's first: more than one where the group was left open. */
export type Resolve = (sought: Sought, signal: AbortSignal) => Promise<Served[]>

/** A group is a DNS name. Events may name others, such as `..`, which a URL parser would fold away. */
const GROUP = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$/

/** Asks the server what it serves, anew each time: kinds come and go with their definitions. */
export function createResolve({ json }: Pick<Connection, 'json'>): Resolve {
  const read = <T>(path: string, signal: AbortSignal) =>
    json<T>({ verb: 'get', resource: path, path, method: 'GET', signal }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined
      throw error
    })

  async function groups({ group, version }: Sought, signal: AbortSignal): Promise<(readonly [string, string])[]> {
    if (group !== undefined && !GROUP.test(group)) return []
    if (group !== undefined && version !== undefined) return [[group, version]]
    const core = ['', version ?? 'v1'] as const
    if (group === '') return [core]
    if (group !== undefined) return chosen([await read<Group>(`/apis/${encodeURIComponent(group)}`, signal)], version)
    const { groups: all = [] } = (await read<{ groups?: Group[] }>('/apis', signal)) ?? {}
    return [core, ...chosen(all, version)]
  }

  return async (sought, signal) => {
    const [resource] = sought.resource.split('/')
    const served = (await groups(sought, signal)).map(async ([group, version]) => {
      const path =
        group === ''
          ? `/api/${encodeURIComponent(version)}`
          : `/apis/${[group, version].map(encodeURIComponent).join('/')}`
      const { resources = [] } = (await read<{ resources?: Listed[] }>(path, signal)) ?? {}
      return resources
        .filter(({ name }) => name === resource)
        .map(({ name, kind, namespaced, verbs }): Served => ({
          group,
          version,
          resource: name,
          kind,
          namespaced,
          verbs,
        }))
    })
    return (await Promise.all(served)).flat()
  }
}

function chosen(groups: readonly (Group | undefined)[], version: string | undefined): (readonly [string, string])[] {
  return groups.flatMap((group) => {
    const versions = group?.versions?.map(({ version: one }) => one) ?? []
    const preferred = version ?? group?.preferredVersion?.version ?? versions[0]
    return group && preferred !== undefined && versions.includes(preferred) ? [[group.name, preferred] as const] : []
  })
}
