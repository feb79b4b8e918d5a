import { spawn, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KubernetesObject, V1ConfigMap, V1Secret, V1StatefulSet } from '@kubernetes/client-node'
import { until } from './cluster.ts'
import { freePort, TALON, type Server } from './server.ts'

/** The one container of what a chart rendered, run here: its arguments, its environment, its volumes as kubelet fills them. */
export interface Mounted extends Pick<Server, 'url' | 'output'> {
  /** Posts an event with the password of who may send. */
  post(event: object): Promise<Response>
  /** A secret, as its file holds it. */
  secret(name: string): string
  /** Fills the volumes anew, as kubelet does when a ConfigMap has changed. */
  remount(manifests: readonly KubernetesObject[]): void
  /** Runs `talon` beside the server, with what its container has. */
  run(...args: readonly string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string }
  stop(): Promise<number | null>
}

export interface MountedOptions {
  readonly manifests: readonly KubernetesObject[]
  readonly kubeconfig: string
  readonly namespace: string
}

export async function startMounted({ manifests, kubeconfig, namespace }: MountedOptions): Promise<Mounted> {
  const root = mkdtempSync(join(tmpdir(), 'talon-e2e-mounted-'))
  const { args = [], env = [], volumeMounts = [] } = containerOf(manifests)
  const paths = volumeMounts.map(({ mountPath }) => mountPath)
  // There is no container here: each mount lies below a folder, and every text that names one is told so.
  const here = (text: string) => text.replaceAll(new RegExp(paths.join('|'), 'g'), (path) => join(root, path))
  for (const path of paths) mkdirSync(join(root, path), { recursive: true })
  const remount = (of: readonly KubernetesObject[]) => {
    const volumes = statefulSetOf(of).spec?.template.spec?.volumes ?? []
    for (const { name, mountPath } of volumeMounts) {
      const sources = volumes.find((volume) => volume.name === name)?.projected?.sources
      if (sources) fill(join(root, mountPath), filesOf(sources, of), here)
    }
  }
  remount(manifests)
  const secret = (name: string) => readFileSync(join(root, '/run/talon', name), 'utf8')
  const port = await freePort()
  const downward: Readonly<Record<string, string>> = {
    'metadata.name': 'talon-0',
    'metadata.namespace': namespace,
    'metadata.uid': randomUUID(),
    'status.podIP': '127.0.0.1',
  }
  const given = env.map(({ name, value = '', valueFrom }) => {
    const path = valueFrom?.fieldRef?.fieldPath
    return [name, path === undefined ? here(value) : downward[path]] as const
  })
  const own = {
    PATH: process.env['PATH'],
    KUBECONFIG: kubeconfig,
    LISTEN_ADDRESS: '127.0.0.1',
    LISTEN_PORT: String(port),
    // A pod has KUBERNETES_SERVICE_HOST, and with it its place for the journal.
    JOURNAL_PATH: join(root, '/var/lib/talon'),
  }
  const environment = { ...own, ...Object.fromEntries(given) }
  const child = spawn(process.execPath, [TALON, ...args.map(here)], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  const url = `http://127.0.0.1:${port}`
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}:\n${printed}`)
    return (await fetch(`${url}/readyz`).catch(() => undefined))?.ok || undefined
  }, `the server is ready:\n${printed}`)
  return {
    url,
    output: () => printed,
    secret,
    post: (event) => {
      const authorization = `Basic ${Buffer.from(`falco:${secret('auth.sender')}`).toString('base64')}`
      const headers = { 'content-type': 'application/json', authorization }
      return fetch(url, { method: 'POST', headers, body: JSON.stringify(event) })
    },
    remount,
    run: (...more) =>
      spawnSync(process.execPath, [TALON, ...more, '-c', here('/etc/falco-talon/config.yaml')], {
        env: environment,
        encoding: 'utf8',
      }),
    async stop() {
      child.kill('SIGTERM')
      const code = await exited
      rmSync(root, { recursive: true })
      return code
    },
  }
}

/** The StatefulSet among what was rendered. */
export function statefulSetOf(manifests: readonly KubernetesObject[]): V1StatefulSet {
  const found = manifests.find(({ kind }) => kind === 'StatefulSet')
  if (!found) throw new Error('there is no StatefulSet')
  return found
}

export function containerOf(manifests: readonly KubernetesObject[]) {
  const [container, ...more] = statefulSetOf(manifests).spec?.template.spec?.containers ?? []
  if (!container || more.length) throw new Error('a pod has one container')
  return container
}

type Sources = NonNullable<
  NonNullable<NonNullable<NonNullable<V1StatefulSet['spec']>['template']['spec']>['volumes']>[number]['projected']
>['sources']

/** Text by path, of ConfigMaps and Secrets that were rendered. */
function filesOf(sources: NonNullable<Sources>, manifests: readonly KubernetesObject[]): ReadonlyMap<string, string> {
  const find = (kind: string, name = ''): (V1ConfigMap & V1Secret) | undefined =>
    manifests.find((one) => one.kind === kind && one.metadata?.name === name)
  return new Map(
    sources.flatMap(({ configMap, secret }) => {
      const data = configMap
        ? find('ConfigMap', configMap.name)?.data
        : Object.fromEntries(
            Object.entries(find('Secret', secret?.name)?.data ?? {}).map(([key, value]) => [
              key,
              Buffer.from(value, 'base64').toString(),
            ]),
          )
      const all = Object.keys(data ?? {}).map((key) => ({ key, path: key }))
      return ((configMap ?? secret)?.items ?? all).map(({ key, path }) => [path, data?.[key] ?? ''] as const)
    }),
  )
}

/** As kubelet writes a volume: a folder for each state, and a link to it that is swapped at once. */
function fill(folder: string, files: ReadonlyMap<string, string>, here: (text: string) => string): void {
  const data = join(folder, '..data')
  const before = existsSync(data) ? readlinkSync(data) : undefined
  const state = `..state_${Number(before?.split('_')[1] ?? 0) + 1}`
  mkdirSync(join(folder, state))
  for (const [path, text] of files) writeFileSync(join(folder, state, path), here(text))
  symlinkSync(state, join(folder, '..data_tmp'))
  renameSync(join(folder, '..data_tmp'), data)
  for (const path of files.keys())
    if (!existsSync(join(folder, path))) symlinkSync(join('..data', path), join(folder, path))
  if (before) rmSync(join(folder, before), { recursive: true })
}
