import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pod, startSandbox } from '@talon/sandbox'
import { startRelay, type Relay } from '../../../tools/counterparts/relay.ts'
import { startVersitygw, type Versitygw, type VersitygwOptions } from '../../../tools/counterparts/versitygw.ts'
import { openCluster, real, until } from './cluster.ts'
import { falcoEvent } from './events.ts'
import { startReceiver, type Notification } from './receiver.ts'
import { startServer, type Server } from './server.ts'

const MIB = 2 ** 20
/** Files of the pod, all zeros: more than one part, and as much as makes memory show. */
export const FILES = { '/tmp/some': 32 * MIB, '/tmp/much': 256 * MIB } as const

/** An S3 server behind a relay, a cluster with a pod `web-0`, and servers of Talon's that store there. */
export interface Objects {
  readonly s3: Versitygw
  readonly relay: Relay
  readonly namespace: string
  /** A server of Talon's whose outputs go to `target`, and what is told of it. */
  start(options: StartOptions): Promise<Talon>
  /** What lies there, read by requests that share nothing with either SDK. */
  read(key: string | undefined): Promise<Found>
  close(): Promise<void>
}

export interface StartOptions {
  readonly target: string
  /** Lines of the config file. */
  readonly config: string
  readonly env?: Readonly<Record<string, string>>
  /** False: what it is told of its target keeps it from being ready. */
  readonly ready?: boolean
}

export interface Talon {
  readonly server: Server
  /** Posts an event about the pod, and gives what is told of the output; of the action where that failed. */
  respond(rule: string, fields?: Readonly<Record<string, unknown>>): Promise<Notification>
  stop(): Promise<unknown>
}

export interface Found {
  readonly status: number
  readonly size: number
  readonly sha256: string
  readonly headers: Headers
}

const rulesOf = (target: string) => `
- rule: Keep
  match: { rules: [keep] }
  actions:
    - action: Keep the logs
      actionner: kubernetes:log
      output: { target: "${target}", parameters: { bucket: evidence, prefix: "/talon//\${K8S_NS_NAME}/\${PROC_CMDLINE}/" } }
- rule: Keep without slashes
  match: { rules: [keep without slashes] }
  actions:
    - action: Keep the logs
      actionner: kubernetes:log
      output: { target: "${target}", parameters: { bucket: evidence, prefix: "talon/\${K8S_NS_NAME}/\${PROC_CMDLINE}" } }
- rule: Lose
  match: { rules: [lose] }
  actions:
    - action: Keep the logs
      actionner: kubernetes:log
      output: { target: "${target}", parameters: { bucket: nobody } }
- rule: Download
  match: { rules: [download] }
  actions:
    - action: Get it
      actionner: kubernetes:download
      timeout: 200
      parameters: { file: "\${FD_NAME}" }
      output: { target: "${target}", parameters: { bucket: evidence, prefix: files } }
`

export async function openObjects(tls?: VersitygwOptions['tls']): Promise<Objects> {
  const s3 = await startVersitygw({ buckets: ['evidence'], ...(tls && { tls }) })
  const relay = await startRelay(s3.endpoint)
  const place = await openPlace()
  const receiver = await startReceiver()
  let asked = 0
  return {
    ...{ s3, relay, namespace: place.namespace },
    async start({ target, config, env = {}, ready = true }) {
      const all = `default_notifiers: [webhook]
notifiers: { webhook: { url: "${receiver.url}" } }
journal: { path: "{folder}/journal" }
${config}`
      const { kubeconfig } = place
      const server = await startServer({ kubeconfig, rules: rulesOf(target), config: all, env, wait: ready })
      if (!ready) await until(() => fetch(`${server.url}/healthz`).catch(() => undefined), 'the server is alive')
      return {
        server,
        stop: () => server.stop(),
        async respond(rule, fields = {}) {
          const mark = `${rule} ${asked++}`
          const about = { 'k8s.ns.name': place.namespace, 'k8s.pod.name': 'web-0', mark, ...fields }
          const answer = await server.post(falcoEvent(rule, about))
          if (answer.status !== 202) throw new Error(`the event was answered with ${answer.status}`)
          const mine = ({ falco, output_target, status }: Notification) =>
            falco.output_fields['mark'] === mark && (output_target === target || status === 'failure')
          return until(() => receiver.received.find(mine), `${mark} is told`)
        },
      }
    },
    async read(key = '') {
      const answer = await s3.fetch(`/evidence/${key.split('/').map(encodeURIComponent).join('/')}`)
      const hash = createHash('sha256')
      let size = 0
      for await (const chunk of answer.body ?? []) {
        hash.update(chunk as Uint8Array)
        size += (chunk as Uint8Array).byteLength
      }
      return { status: answer.status, size, sha256: hash.digest('hex'), headers: answer.headers }
    },
    async close() {
      await receiver.close()
      await place.close()
      await relay.close()
      await s3.close()
    },
  }
}

/** A pod that logs its name and has the files, on the real cluster or on a sandbox. */
async function openPlace() {
  if (!real) {
    const sandbox = await startSandbox({
      log: () => 'hello from web-0\n',
      exec: ({ command }) => ({ stdout: zeros(FILES[command.at(-1) as keyof typeof FILES] ?? 0) }),
    })
    sandbox.seed(pod({ name: 'web-0', namespace: 'default' }))
    const folder = mkdtempSync(join(tmpdir(), 'talon-e2e-objects-'))
    const kubeconfig = sandbox.writeKubeconfig(join(folder, 'kubeconfig'))
    const close = () => sandbox.close().finally(() => rmSync(folder, { recursive: true }))
    return { kubeconfig, namespace: 'default', close }
  }
  const cluster = await openCluster()
  const namespace = await cluster.newNamespace()
  const files = Object.entries(FILES).map(([file, size]) => `head -c ${size} /dev/zero > ${file}`)
  const command = ['sh', '-c', ['echo hello from web-0', ...files, 'touch /tmp/made', 'exec sleep 3600'].join('; ')]
  // Ready once the files are there.
  const readinessProbe = { exec: { command: ['cat', '/tmp/made'] }, periodSeconds: 1 }
  const container = { name: 'main', image: 'talon.test/busybox:1', imagePullPolicy: 'Never', command, readinessProbe }
  await cluster.runPod(namespace, 'web-0', { spec: { containers: [container] } })
  return { kubeconfig: cluster.kubeconfig, namespace, close: () => cluster.close() }
}

async function* zeros(size: number): AsyncGenerator<Buffer> {
  const piece = Buffer.alloc(65_536)
  for (let left = size; left > 0; left -= piece.byteLength) yield piece.subarray(0, left)
}

/** The SHA-256 of so many zeros, hexadecimal. */
export async function sha256OfZeros(size: number): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of zeros(size)) hash.update(piece)
  return hash.digest('hex')
}

/** How many megabytes more a process holds at most while something is under way. */
export async function growthOf<T>(
  { server }: Talon,
  work: () => Promise<T>,
): Promise<{ megabytes: number; result: T }> {
  const { pid } = server.process
  // VmRSS of proc(5), in kB there.
  const resident = () => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  const before = resident()
  let most = before
  const stop = new AbortController()
  const watching = (async () => {
    for (; !stop.signal.aborted; await sleep(20)) most = Math.max(most, resident())
  })()
  const result = await work().finally(() => stop.abort())
  await watching
  return { megabytes: most - before, result }
}
