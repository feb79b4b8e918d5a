import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kubernetes, type Kubernetes } from '@talon/client-kubernetes'
import type { Actionner, Event, Logger, Needs, Result } from '@talon/plugin'
import { startSandbox, type KubeObject, type Sandbox, type SandboxOptions } from '@talon/sandbox'
import { falcoEvent, run, type RunOptions } from '@talon/testing'
import type { z } from 'zod'

const log: Logger = { debug() {}, info() {}, warn() {}, error() {} }

type Uses = { readonly kubernetes: typeof kubernetes }
export type Told = Awaited<ReturnType<typeof run>>

/** A sandbox with a client that is connected to it over HTTP. */
export interface Bed {
  readonly sandbox: Sandbox
  readonly kubernetes: Kubernetes
  /** Runs an actionner on an event with these fields besides the pod web-0's name. */
  run<P extends z.ZodObject, N extends Needs>(
    actionner: Actionner<P, N, Uses>,
    parameters: z.input<P>,
    more?: Partial<RunOptions<never>> & { readonly fields?: Readonly<Record<string, unknown>> },
  ): Promise<Told>
  /** What the sandbox was asked to change. */
  writes(): string[]
  close(): Promise<void>
}

export async function openBed(options: SandboxOptions = {}): Promise<Bed> {
  const folder = await mkdtemp(join(tmpdir(), 'talon-actionner-'))
  const sandbox = await startSandbox({ replaceDelay: 5, endDelay: 5, ...options })
  const client = await kubernetes.open({ kubeconfig: sandbox.writeKubeconfig(join(folder, 'kubeconfig')) }, { log })
  return {
    sandbox,
    kubernetes: client,
    run: (actionner, parameters, { fields = {}, event = eventOn(fields), ...more } = {}) =>
      run(actionner, parameters, { ...more, event, clients: { kubernetes: client } }),
    writes: () =>
      sandbox.requests
        .filter(({ method, path }) => method !== 'GET' && !path.endsWith('selfsubjectaccessreviews'))
        .map(({ method, path, query }) => `${method} ${path}${query.includes('dryRun=All') ? ' dry' : ''}`),
    async close() {
      await client.close()
      await sandbox.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** An event about the pod web-0 of the namespace default. */
export function eventOn(fields: Readonly<Record<string, unknown>> = {}, time?: Date): Event {
  const all = { 'k8s.ns.name': 'default', 'k8s.pod.name': 'web-0', ...fields }
  return falcoEvent({ fields: all, ...(time && { time: time.toISOString() }) })
}

/** Name of the pod that a workload has, of several the n-th. */
export function podOf(objects: readonly KubeObject[], n = 0): string {
  return objects.filter(({ kind }) => kind === 'Pod')[n]?.metadata.name ?? ''
}

export async function textOf(artifact: Result['artifact']): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of artifact?.open() ?? []) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
