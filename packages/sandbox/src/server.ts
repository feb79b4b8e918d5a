import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import type { Duplex } from 'node:stream'
import { createCluster, type JobScript } from './cluster.ts'
import { execServer, podToExecIn, type ExecAnswer, type ExecCall } from './exec.ts'
import { Faults, type Fault } from './faults.ts'
import { discovery, KINDS, type KindOf } from './kinds.ts'
import { kubeconfigOf } from './kubeconfig.ts'
import type { LogScript } from './log.ts'
import type { Json, KubeObject } from './objects.ts'
import { parseBody, type Call } from './requests.ts'
import { refuse, refuseUpgrade, write } from './respond.ts'
import { createRoutes } from './routes.ts'
import type { StartScript } from './script.ts'
import { createSeed } from './seed.ts'
import { badRequest, noSuchPath } from './status.ts'
import { Store } from './store.ts'
import { isWatch, watch } from './watch.ts'

/** What a sandbox answers where a real cluster would run something, and how fast. */
export interface SandboxOptions {
  /** What a container has logged. */
  readonly log?: LogScript
  /** What a command answers. No command runs on this machine. */
  readonly exec?: (call: ExecCall) => ExecAnswer | Promise<ExecAnswer>
  /** The exit code of a Job's pod; 0 where missing. */
  readonly job?: JobScript
  /** How a container starts: one whose image cannot be pulled waits. */
  readonly starts?: StartScript
  /** Kinds besides those of a fresh cluster. */
  readonly kinds?: readonly KindOf[]
  /** Whether an access review (SelfSubjectAccessReview) is answered with yes. */
  readonly allows?: (attributes: Json) => boolean
  /** Milliseconds until a controller replaces a pod that is gone; 50 where missing. */
  readonly replaceDelay?: number
  /** Milliseconds until a pod that was asked to end, or the pod of a Job, has ended; 50 where missing. */
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
  /** Orders a fault: a refusal, a delay, a connection that breaks. */
  fail(fault: Fault): void
  close(): Promise<void>
}

const REMEMBERED = 10_000
const HEALTH = new Set(['/readyz', '/livez', '/healthz'])
const VERSION = { major: '1', minor: '36', gitVersion: 'v1.36.3-sandbox', platform: 'linux/amd64' }

/** Starts a Kubernetes API in memory on a free port of 127.0.0.1, with the node node-1 and the usual namespaces. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { log = () => '', exec = () => ({}), job = () => 0, allows = () => true } = options
  const { replaceDelay = 50, endDelay = 50 } = options
  const kinds: KindOf[] = [...KINDS, ...(options.kinds ?? []).map((kind) => ({ ...kind, custom: true }))]
  const store = new Store()
  const faults = new Faults()
  const closing = new AbortController()
  const cluster = createCluster({
    store,
    kinds,
    replaceDelay,
    endDelay,
    job,
    starts: options.starts,
    signal: closing.signal,
  })
  const seed = createSeed(store, cluster)
  const answer = createRoutes({ store, kinds, cluster, log, allows })
  const commands = execServer()
  const requests: Requested[] = []

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => refuse(response, error))
  })
  server.on('upgrade', (request, socket: Duplex, head) => {
    // A client that leaves in the middle is nobody's failure.
    socket.on('error', () => socket.destroy())
    upgrade(request, socket, head).catch((error: unknown) => refuseUpgrade(socket, error))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  const kubeconfig = kubeconfigOf(url)

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = await arrive(request)
    if (!target) return
    const path = segments(target)
    if (HEALTH.has(target.pathname)) return write(response, 200, 'ok')
    if (target.pathname === '/version') return write(response, 200, VERSION)
    const found = discovery(path, kinds)
    if (found) return write(response, 200, found)
    if (!isServed(path)) return write(response, 404, '404 page not found\n')
    const contentType = (request.headers['content-type'] ?? '').split(';')[0]?.trim() ?? ''
    const body = parseBody((await buffer(request)).toString(), contentType)
    const call: Call = {
      ...route(path),
      query: target.searchParams,
      method: request.method ?? 'GET',
      contentType,
      body,
      manager:
        target.searchParams.get('fieldManager') || (request.headers['user-agent'] ?? '').split('/')[0] || 'unknown',
    }
    if (isWatch(call)) return watch(store, call, response)
    const answered = answer(call)
    write(response, answered.code, answered.body)
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const target = await arrive(request)
    if (!target) return
    const { searchParams: query } = target
    const { kind, namespace, name = '', subresource } = route(segments(target))
    if (kind.plural !== 'pods' || subresource !== 'exec') throw badRequest('only exec is spoken over a WebSocket here')
    const { pod, container } = podToExecIn(store.get(kind, namespace, name), query)
    const command = query.getAll('command')
    commands.accept(request, socket, head, query, async (stdin, signal) =>
      exec({ pod, container, command, stdin, signal }),
    )
  }

  /** Remembers a request, and refuses it where that was ordered; undefined where its connection was broken. */
  async function arrive(request: IncomingMessage): Promise<URL | undefined> {
    const target = new URL(request.url ?? '/', url)
    const { method = 'GET' } = request
    requests.push({ method, path: target.pathname, query: target.search.slice(1), at: performance.now() })
    if (requests.length > REMEMBERED) requests.splice(0, REMEMBERED / 10)
    if (!(await faults.meet(method, target.pathname, closing.signal))) return target
    request.socket.destroy()
    return undefined
  }

  /** Whether there is such a group and version. */
  function isServed([root, group, version]: readonly string[]): boolean {
    if (root === 'api') return group === 'v1'
    return root === 'apis' && kinds.some((kind) => kind.group === group && kind.version === version)
  }

  function route(path: readonly string[]): Pick<Call, 'kind' | 'namespace' | 'name' | 'subresource'> {
    const [root, ...rest] = path
    const [group, version, ...tail] = root === 'api' ? ['', ...rest] : rest
    // `namespaces/x/pods` is inside of x; `namespaces/x` and `namespaces/x/status` are the namespace itself.
    const inside = tail[0] === 'namespaces' && tail.length > 2 && tail[2] !== 'status'
    const [plural, name, subresource, ...more] = inside ? tail.slice(2) : tail
    const kind = kinds.find((each) => each.group === group && each.version === version && each.plural === plural)
    if (!kind || (inside && !kind.namespaced) || more.length) throw noSuchPath()
    return { kind, namespace: inside ? tail[1] : undefined, name, subresource }
  }

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
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

/** @throws ApiError 400 where the path is no path. */
function segments({ pathname }: URL): string[] {
  try {
    return pathname.split('/').filter(Boolean).map(decodeURIComponent)
  } catch {
    throw badRequest('the path is not encoded as a path is')
  }
}
