import { unlessAborted, type Event } from '@talon/plugin'
import type { WebSocket as Socket } from 'ws'
import type { Call, Connection } from './connection.ts'
import { createResolve, type Resolve } from './discovery.ts'
import { execute, type ExecCall, type Execution } from './exec.ts'
import { denied, refusalOf, type Asked } from './failure.ts'
import { pathOf, pods, type Collection, type Place, type Target } from './objects.ts'
import { createPodFinder, type FindPod, type Named, type OnPod } from './pod.ts'
import { createReadOnce } from './read-once.ts'

/** How a write is made. With `dryRun` permission is asked for first, and the server persists nothing. */
export interface Write {
  readonly signal: AbortSignal
  readonly dryRun?: boolean
}

/** How an object is deleted. What is left out is up to the server. */
export interface Removal extends Write {
  /** Only the object with this UID is deleted. */
  readonly uid?: string | undefined
  /** Seconds. */
  readonly gracePeriod?: number | undefined
  readonly propagation?: 'Foreground' | 'Background' | 'Orphan'
}

/** Which objects are listed: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors */
export interface Selection {
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly signal: AbortSignal
}

/** Which part of a container's log is read: all of it where neither lines nor bytes are given. */
export interface LogCall {
  readonly container: string
  readonly tailLines?: number
  readonly limitBytes?: number
  readonly signal: AbortSignal
}

/** The Kubernetes API. Everything that fails throws an ActionError that names verb, resource and namespace. */
export interface Kubernetes {
  get<T>(target: Target<T>, signal: AbortSignal): Promise<T>
  /** As `get`, but made once for all steps of an event: what changes while an event is handled is not seen. */
  getOnce<T>(event: Event, target: Target<T>, signal: AbortSignal): Promise<T>
  list<T>(collection: Collection<T>, selection: Selection): Promise<T[]>
  create<T>(collection: Place<T>, body: object, write: Write): Promise<T>
  /** RFC 7386: what is null is removed. With `metadata.uid` in it, only that object is changed. */
  merge<T>(target: Target<T>, body: object, write: Write): Promise<T>
  /** As `merge`, but lists are merged by their keys. Built-in kinds alone know it. */
  strategicMerge<T>(target: Target<T>, body: object, write: Write): Promise<T>
  /** Server-side apply as the field manager `talon`. Fields of others are a conflict (409), and are taken with `force`. */
  apply<T>(target: Target<T>, body: object, write: Write & { readonly force?: boolean }): Promise<T>
  remove(target: Target<unknown>, removal: Removal): Promise<void>
  /** Resolves once the log begins. Give the pod's `uid`, and the log of another pod of that name is refused (409). */
  log(pod: Named & { readonly uid?: string }, call: LogCall): Promise<AsyncIterable<Uint8Array>>
  /** Resolves once the command is connected. */
  exec(call: ExecCall): Promise<Execution>
  /** @throws ActionError where the cluster's roles do not let Talon do it. */
  demand(verb: string, target: Place<unknown>, signal: AbortSignal): Promise<void>
  /** What the server serves under a plural name. */
  resolve: Resolve
  /** The pod of the event, told apart from others that bore its name. */
  findPod: FindPod
  /** Runs `act` with the pod of the event; `ignored` where it is gone or another pod bears its name now. */
  onPod: OnPod
  /** @throws ActionError where the API cannot be reached. */
  check(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

const MANAGER = 'talon'
const PAGE = 500

/** The verbs, over a connection. */
export function createKubernetes(connection: Connection, WebSocket: typeof Socket): Kubernetes {
  const once = createReadOnce()

  const call = (verb: string, target: Place<unknown>): Asked & Pick<Call, 'path'> => ({
    verb,
    path: pathOf(target),
    ...askedOf(target),
  })
  const get = async <T>(target: Target<T>, signal: AbortSignal) =>
    connection.json<T>({ ...call('get', target), method: 'GET', signal })
  const getOnce = <T>(event: Event, target: Target<T>, signal: AbortSignal) =>
    once(event, pathOf(target), signal, (own) => get(target, own))

  async function demand(verb: string, target: Place<unknown>, signal: AbortSignal): Promise<void> {
    const { group, version, resource, subresource, namespace, name } = target
    const reviews = { group: 'authorization.k8s.io', version: 'v1', resource: 'selfsubjectaccessreviews' }
    const resourceAttributes = { verb, group, version, resource, subresource, namespace, name }
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes },
    }
    const { status } = await connection.json<{ status?: { allowed?: boolean; reason?: string } }>({
      ...call('create', reviews),
      method: 'POST',
      body: review,
      signal,
    })
    if (!status?.allowed) throw denied({ verb, ...askedOf(target) }, status?.reason ?? '')
  }

  async function patch<T>(
    target: Target<T>,
    body: object,
    { dryRun, signal, force }: Write & { readonly force?: boolean },
    type: string,
  ): Promise<T> {
    if (dryRun) await demand('patch', target, signal)
    return connection.json<T>({
      ...call('patch', target),
      method: 'PATCH',
      contentType: `application/${type}`,
      query: { fieldManager: MANAGER, ...(dryRun && { dryRun: 'All' }), ...(force && { force: 'true' }) },
      body,
      signal,
    })
  }

  const { confirmPod, ...finder } = createPodFinder(get, getOnce)

  return {
    get,
    getOnce,
    demand,
    ...finder,
    resolve: createResolve(connection),
    async list<T>(collection: Collection<T>, { labelSelector, fieldSelector, signal }: Selection) {
      const items: T[] = []
      let more: string | undefined
      do {
        const page = await connection.json<{ items: T[]; metadata?: { continue?: string } }>({
          ...call('list', collection),
          method: 'GET',
          query: { limit: PAGE, labelSelector, fieldSelector, continue: more },
          signal,
        })
        items.push(...page.items)
        more = page.metadata?.continue
      } while (more)
      return items
    },
    async create(collection, body, { dryRun, signal }) {
      if (dryRun) await demand('create', collection, signal)
      const query = { fieldManager: MANAGER, ...(dryRun && { dryRun: 'All' }) }
      return connection.json({ ...call('create', collection), method: 'POST', query, body, signal })
    },
    merge: (target, body, write) => patch(target, body, write, 'merge-patch+json'),
    strategicMerge: (target, body, write) => patch(target, body, write, 'strategic-merge-patch+json'),
    apply(target, body, write) {
      // The API takes neither from the path.
      const { metadata } = body as { metadata?: object }
      const { name, namespace } = target
      return patch(target, { ...body, metadata: { ...metadata, name, namespace } }, write, 'apply-patch+yaml')
    },
    async remove(target, { dryRun, signal, uid, gracePeriod, propagation }) {
      if (dryRun) await demand('delete', target, signal)
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        ...(uid !== undefined && { preconditions: { uid } }),
        ...(gracePeriod !== undefined && { gracePeriodSeconds: gracePeriod }),
        ...(propagation && { propagationPolicy: propagation }),
        ...(dryRun && { dryRun: ['All'] }),
      }
      await connection.json({ ...call('delete', target), method: 'DELETE', body, signal })
    },
    async log({ namespace, name, uid }, { signal, ...query }) {
      const target = { ...pods, namespace, name, subresource: 'log' }
      const body = await connection.send({ ...call('get', target), method: 'GET', query: { ...query }, signal })
      try {
        if (uid !== undefined) await confirmPod({ namespace, name, uid }, signal)
        return body
      } catch (error) {
        body.on('error', () => {}).destroy() // undici tells of its end as an error
        throw error
      }
    },
    async exec(command) {
      const { credentials } = connection
      const { namespace, pod: name, uid, signal } = command
      const confirm = async () => (uid === undefined ? undefined : confirmPod({ namespace, name, uid }, signal))
      // A command that reads nothing runs as soon as it is connected: it is asked for before as well.
      if (command.stdin === undefined) await confirm()
      const start = async () => execute(command, await unlessAborted(credentials.access(), signal), WebSocket, confirm)
      return start().catch((error: unknown) => {
        if (refusalOf(error)?.code === 401 && credentials.renew()) return start()
        throw error
      })
    },
    async check(signal) {
      const body = await connection.send({ verb: 'get', resource: '/version', path: '/version', method: 'GET', signal })
      await body.dump()
    },
    close: () => connection.close(),
  }
}

/** `pods/log`, `networkpolicies.networking.k8s.io` */
function askedOf({ group, resource, subresource, namespace, name }: Place<unknown>): Omit<Asked, 'verb'> {
  const full = `${resource}${group && `.${group}`}${subresource ? `/${subresource}` : ''}`
  return { resource: full, namespace, name }
}
