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

/** A sandbox with Calico's policies, and the action on it over HTTP. */
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
  policy(name: string, version?: 'v3' | 'v1'): Promise<Policy | undefined>
  close(): Promise<void>
}

const GROUPS = { v3: 'projectcalico.org', v1: 'crd.projectcalico.org' }

/** `serves` are the versions of Calico's policies that the cluster knows. */
export async function openBed(serves: readonly string[] = ['v3', 'v1']): Promise<Bed> {
  const folder = await mkdtemp(join(tmpdir(), 'talon-calico-'))
  const kinds = POLICY_KINDS.filter(({ group, version }) => /calico/.test(group) && serves.includes(version))
  const sandbox = await startSandbox({ kinds })
  const client = await kubernetes.open({ kubeconfig: sandbox.writeKubeconfig(join(folder, 'kubeconfig')) }, { log })
  return {
    sandbox,
    block(pod, ip, parameters = {}, dryRun = false) {
      const fields = { 'k8s.ns.name': 'default', 'k8s.pod.name': pod, 'fd.rip': ip }
      return run(networkpolicy, parameters, { event: falcoEvent({ fields }), clients: { kubernetes: client }, dryRun })
    },
    policy(name, version = 'v3') {
      const target = { group: GROUPS[version], version, resource: 'networkpolicies', namespace: 'default', name }
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
