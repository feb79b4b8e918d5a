import type { KubernetesObject } from '@talon/client-kubernetes'
import { POLICY_KINDS, type Sandbox } from '@talon/sandbox'
import { falcoEvent, run } from '@talon/testing'
import type { z } from 'zod'
import { openStand } from '../../client-kubernetes/testing/stand.ts'
import { networkpolicy } from '../src/networkpolicy.ts'

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
  const { sandbox, client, find, close } = await openStand({
    kinds: serves ? POLICY_KINDS.filter(({ group }) => group === 'cilium.io') : [],
  })
  return {
    sandbox,
    block(pod, ip, parameters = {}, dryRun = false) {
      const fields = { 'k8s.ns.name': 'default', 'k8s.pod.name': pod, 'fd.rip': ip }
      return run(networkpolicy, parameters, { event: falcoEvent({ fields }), clients: { kubernetes: client }, dryRun })
    },
    policy(name) {
      const kind = { group: 'cilium.io', version: 'v2', resource: 'ciliumnetworkpolicies' }
      const target = { ...kind, namespace: 'default', name }
      return find<Policy>(target)
    },
    close,
  }
}
