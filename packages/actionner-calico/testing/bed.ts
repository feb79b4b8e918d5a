import type { KubernetesObject } from '@talon/client-kubernetes'
import { POLICY_KINDS, type Sandbox } from '@talon/sandbox'
import { falcoEvent, run } from '@talon/testing'
import type { z } from 'zod'
import { openStand } from '../../client-kubernetes/testing/stand.ts'
import { networkpolicy } from '../src/networkpolicy.ts'

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
  const kinds = POLICY_KINDS.filter(({ group, version }) => /calico/.test(group) && serves.includes(version))
  const { sandbox, client, find, close } = await openStand({ kinds })
  return {
    sandbox,
    block(pod, ip, parameters = {}, dryRun = false) {
      const fields = { 'k8s.ns.name': 'default', 'k8s.pod.name': pod, 'fd.rip': ip }
      return run(networkpolicy, parameters, { event: falcoEvent({ fields }), clients: { kubernetes: client }, dryRun })
    },
    policy(name, version = 'v3') {
      const target = { group: GROUPS[version], version, resource: 'networkpolicies', namespace: 'default', name }
      return find<Policy>(target)
    },
    close,
  }
}
