import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import type { Duplex } from 'node:stream'
import { createCluster, kindFinder } from './cluster.ts'
import { execServer, type ExecAnswer, type ExecCall } from './exec.ts'
import { Faults, type Fault } from './faults.ts'
import { discovery, KINDS, type KindOf } from './kinds.ts'
import type { Json, KubeObject, Pod } from './objects.ts'
import { containerOf } from './pods.ts'
import { createRoutes, type Call } from './routes.ts'
import { matchesFields, matchesLabels } from './selectors.ts'
import { ApiError, badRequest, noSuchPath, statusOf } from './status.ts'
import { Store } from './store.ts'

export interface SandboxOptions {
  /** What a container has logged. */
  readonly log?: (asked: { readonly pod: Pod; readonly container: string }) => string
  /** What a command answers. No command runs on this machine. */
  readonly exec?: (call: ExecCall) => ExecAnswer | Promise<ExecAnswer>
  /** Kinds besides those of a fresh cluster. */
  readonly kinds?: readonly KindOf[]
  /** Whether an access review (SelfSubjectAccessReview) is answered with yes. */
  readonly allows?: (attributes: Json) => boolean
  /** Milliseconds until a controller replaces a pod that is gone; 50 where missing. */
  readonly replaceDelay?: number
  /** Milliseconds until a pod that was asked to end has ended; 50 where missing. */
  readonly endDelay?: number
}

/** A request that was made, for tests to read. */
export interface Requested {
  readonly method: string
  readonly path: string
  readonly query: string
  /** Milliseconds, on the clock of `performance.now()`. */
  readonly at: number
}

/** A running sandbox. */
export interface Sandbox {
  readonly url: string
  /** Text of a kubeconfig that leads here. */
  readonly kubeconfig: string
  /** Writes the kubeconfig, and returns the path. */
  writeKubeconfig(path: string): string
  /** The last requests, the oldest first. */
  readonly requests: readonly Requested[]
  /** Puts objects into it, as they are; namespaces and nodes that they need come by themselves. */
  seed(...objects: (KubeObject | KubeObject[])[]): void
  /** Reads one object, past HTTP. */
  find(plural: string, namespace: string | undefined, name: string): KubeObject | undefined
  /** Orders a refusal. */
  fail(fault: Fault): void
  close(): Promise<void>
}

const REMEMBERED = 10_000
const HEALTH = new Set(['/readyz', '/livez', '/healthz'])

/** Starts a Kubernetes API in memory on a free port of 127.0.0.1, with the node node-1 and the usual namespaces. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { log = () => '', exec = () => ({}), allows = () => true, replaceDelay = 50, endDelay = 50 } = options
  const kinds: KindOf[] = [...KINDS, ...(options.kinds ?? [])]
  const store = new Store()
  const faults = new Faults()
  const closing = new AbortController()
  const kindOf = (object: KubeObject) => kindFinder(kinds)(object)
  const cluster = createCluster({ store, replaceDelay, endDelay, kindOf, signal: closing.signal })
  const answer = createRoutes({ store, kinds: () => kinds, cluster, log, allows, addKind: (kind) => kinds.push(kind) })
  const commands = execServer()
  const requests: Requested[] = []

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => refuse(response, error))
  })
  server.on('upgrade', (request, socket: Duplex, head) => {
    try {
      upgrade(request, socket, head)
    } catch (error) {
      const body = JSON.stringify(statusOf(refusalOf(error)))
      socket.end(
        `HTTP/1.1 ${refusalOf(error).code} Refused\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      )
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`

  function note({ method = 'GET' }: IncomingMessage, { pathname, search }: URL): void {
    requests.push({ method, path: pathname, query: search.slice(1), at: performance.now() })
    if (requests.length > REMEMBERED) requests.splice(0, REMEMBERED / 10)
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET' } = request
    const target = new URL(request.url ?? '/', url)
    note(request, target)
    faults.check(method, target.pathname)
    const path = target.pathname.split('/').filter(Boolean).map(decodeURIComponent)
    if (HEALTH.has(target.pathname)) return write(response, 200, 'ok')
    if (target.pathname === '/version')
      return write(response, 200, { major: '1', minor: '36', gitVersion: 'v1.36.0-sandbox' })
    const found = discovery(path, kinds)
    if (found) return write(response, 200, found)
    const text = (await buffer(request)).toString()
    const call: Call = {
      ...route(path, target.searchParams),
      method,
      contentType: (request.headers['content-type'] ?? '').split(';')[0] ?? '',
      body: parse(text),
    }
    if (method === 'GET' && call.name === undefined && target.searchParams.get('watch') === 'true')
      return watch(call, response)
    const { code, body } = answer(call)
    write(response, code, body)
  }

  function route(
    path: readonly string[],
    query: URLSearchParams,
  ): Pick<Call, 'kind' | 'namespace' | 'name' | 'subresource' | 'query'> {
    const [root, ...rest] = path
    const [group, version, ...tail] = root === 'api' ? ['', ...rest] : root === 'apis' ? rest : []
    // `namespaces/x/pods` is inside of x; `namespaces/x` and `namespaces/x/status` are the namespace itself.
    const inside = tail[0] === 'namespaces' && tail.length > 2 && tail[2] !== 'status'
    const [plural, name, subresource] = inside ? tail.slice(2) : tail
    const kind = kinds.find((each) => each.group === group && each.version === version && each.plural === plural)
    if (!kind || (inside && !kind.namespaced)) throw noSuchPath()
    return { kind, namespace: inside ? tail[1] : undefined, name, subresource, query }
  }

  function watch({ kind, namespace, query }: Call, response: ServerResponse): void {
    const from = Number(query.get('resourceVersion') ?? 0)
    const send = (type: string, object: unknown) => response.write(`${JSON.stringify({ type, object })}\n`)
    const wanted = (object: KubeObject) =>
      (namespace === undefined || object.metadata.namespace === namespace) &&
      matchesLabels(query.get('labelSelector'), object.metadata.labels) &&
      matchesFields(query.get('fieldSelector'), object)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    if (from === 0) for (const object of store.list(kind, namespace)) if (wanted(object)) send('ADDED', object)
    const stop = store.watch(from, (change) => {
      if (change.kind === kind && wanted(change.object)) send(change.type, change.object)
    })
    if (!stop) {
      send(
        'ERROR',
        statusOf({ code: 410, reason: 'Expired', message: `too old resource version: ${from} (${store.version})` }),
      )
      response.end()
      return
    }
    const seconds = Number(query.get('timeoutSeconds') ?? 0)
    const timer = seconds ? setTimeout(() => response.end(), seconds * 1000).unref() : undefined
    response.on('close', () => {
      stop()
      clearTimeout(timer)
    })
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const target = new URL(request.url ?? '/', url)
    note(request, target)
    faults.check(request.method ?? 'GET', target.pathname)
    const {
      kind,
      namespace,
      name = '',
      subresource,
      query,
    } = route(target.pathname.split('/').filter(Boolean).map(decodeURIComponent), target.searchParams)
    if (kind.plural !== 'pods' || subresource !== 'exec') throw badRequest('only exec is spoken over a WebSocket here')
    const pod = store.get(kind, namespace, name) as Pod
    const container = containerOf(pod, query.get('container'))
    const command = query.getAll('command')
    commands.accept(request, socket, head, query, async (stdin) => exec({ pod, container, command, stdin }))
  }

  function seed(...objects: (KubeObject | KubeObject[])[]): void {
    for (const object of objects.flat()) {
      const kind = kindOf(object)
      if (!kind) throw new TypeError(`the sandbox serves no ${object.apiVersion} ${object.kind}`)
      const { namespace } = object.metadata
      if (namespace !== undefined) ensure('Namespace', namespace)
      const node = (object as Pod).kind === 'Pod' ? (object as Pod).spec.nodeName : undefined
      if (node !== undefined) ensure('Node', node)
      store.create(kind, object)
    }
  }

  function ensure(kind: 'Namespace' | 'Node', name: string): void {
    const object: KubeObject = {
      apiVersion: 'v1',
      kind,
      metadata: { name, labels: kind === 'Node' ? nodeLabels(name) : { 'kubernetes.io/metadata.name': name } },
      spec: kind === 'Node' ? { providerID: `sandbox:///${name}` } : {},
    }
    const found = kindOf(object)
    if (found && !store.find(found, undefined, name)) store.create(found, object)
  }

  for (const namespace of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) ensure('Namespace', namespace)
  ensure('Node', 'node-1')

  const kubeconfig = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'sandbox', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'sandbox', user: {} }],
    contexts: [{ name: 'sandbox', context: { cluster: 'sandbox', user: 'sandbox', namespace: 'default' } }],
    'current-context': 'sandbox',
  })
  return {
    url,
    kubeconfig,
    requests,
    seed,
    writeKubeconfig(path) {
      writeFileSync(path, kubeconfig)
      return path
    },
    find(plural, namespace, name) {
      const kind = kinds.find((each) => each.plural === plural)
      return kind && store.find(kind, namespace, name)
    },
    fail: (fault) => faults.order(fault),
    async close() {
      closing.abort()
      commands.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const nodeLabels = (name: string) => ({
  'kubernetes.io/hostname': name,
  'kubernetes.io/os': 'linux',
  'node.kubernetes.io/instance-type': 'sandbox.small',
  'topology.kubernetes.io/region': 'local',
  'topology.kubernetes.io/zone': 'local-a',
})

function parse(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch (error) {
    throw badRequest(`the object provided is unrecognized: ${String(error)}`)
  }
}

const refusalOf = (error: unknown) =>
  error instanceof ApiError ? error.refusal : { code: 500, reason: 'InternalError', message: String(error) }

function refuse(response: ServerResponse, error: unknown): void {
  const refusal = refusalOf(error)
  if (response.headersSent) response.destroy()
  else
    write(
      response,
      refusal.code,
      statusOf(refusal),
      'retryAfter' in refusal && refusal.retryAfter !== undefined ? { 'retry-after': String(refusal.retryAfter) } : {},
    )
}

function write(response: ServerResponse, code: number, body: unknown, headers: Record<string, string> = {}): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  response
    .writeHead(code, { 'content-type': typeof body === 'string' ? 'text/plain' : 'application/json', ...headers })
    .end(text)
}
