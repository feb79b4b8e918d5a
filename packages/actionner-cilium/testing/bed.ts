import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isNotFound, kubernetes, type KubernetesObject } from '@talon/client-kubernetes'
import type { Logger } from '@talon/plugin'
import { POLICY_KINDS, startSandbox, type Sandbox } from '@talon/sandbox'
import { falcoEvent, run } from '@talon/testing'
import type { z } from 'zod'
import { networkpolicy } from '../src/networkpolicy.ts'

const log: Logger = { debug() {}, info() {}, warn() {}, error() {} }

export type Policy = KubernetesObject & { readonly spec?: Readonly<Record<string, unknown>> }

/** A sandbox with Cilium's policies, and the action on it over HTTP. */
export interface Bed {
  readonly sandbox: Sandbox
  /** Runs the action on an event about a pod that talks to this address. */
  block(
    pod: string,
    ip: string,
    parameters?: z.input<typeof networkpolicy.parameters>,
    dryRun?: boolean,
  ): ReturnType<typeof run>
  /** A policy as it is now. */
  policy(name: string): Promise<Policy | undefined>
  close(): Promise<void>
}

/** `serves`: whether the cluster knows Cilium's policies. */
export async function openBed(serves = true): Promise<Bed> {
  const folder = await mkdtemp(join(tmpdir(), 'talon-cilium-'))
  const sandbox = await startSandbox({ kinds: serves ? POLICY_KINDS.filter(({ group }) => group === 'cilium.io') : [] })
  const client = await kubernetes.open({ kubeconfig: sandbox.writeKubeconfig(join(folder, 'kubeconfig')) }, { log })
  return {
    sandbox,
    block(pod, ip, parameters = {}, dryRun = false) {
      const fields = { 'k8s.ns.name': 'default', 'k8s.pod.name': pod, 'fd.rip': ip }
      return run(networkpolicy, parameters, { event: falcoEvent({ fields }), clients: { kubernetes: client }, dryRun })
    },
    policy(name) {
      const kind = { group: 'cilium.io', version: 'v2', resource: 'ciliumnetworkpolicies' }
      const target = { ...kind, namespace: 'default', name }
      return client.get<Policy>(target, new AbortController().signal).catch((error: unknown) => {
        if (isNotFound(error)) return undefined
        throw error
      })
    },
    async close() {
      await client.close()
      await sandbox.close()
      await rm(folder, { recursive: true })
    },
  }
}
