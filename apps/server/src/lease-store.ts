import type { Kubernetes, Target } from '@talon/client-kubernetes'
import { isNotFound } from '@talon/client-kubernetes'
import type { LeaseRecord, LeaseStore } from '@talon/replicas'

/** The part of coordination.k8s.io/v1 Lease that is used. */
interface Lease {
  readonly metadata?: { readonly resourceVersion?: string; readonly annotations?: Readonly<Record<string, string>> }
  readonly spec?: {
    readonly holderIdentity?: string
    readonly leaseDurationSeconds?: number
    readonly acquireTime?: string
    readonly renewTime?: string
    readonly leaseTransitions?: number
  }
}

/** Annotation with the address at which the holder takes what others hand over. */
const ADDRESS = 'talon/address'

/** Keeps the Lease in the cluster. Writes carry the version that was read, so that of two the API server takes one. */
export function leaseStore(kubernetes: Kubernetes, namespace: string, name: string): LeaseStore {
  const leases = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases', namespace }
  const lease: Target<Lease> = { ...leases, name }
  return {
    async read(signal) {
      try {
        return recordOf(await kubernetes.get(lease, signal))
      } catch (error) {
        if (isNotFound(error)) return undefined
        throw error
      }
    },
    async create(record, signal) {
      const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', ...objectOf(record, { name }) }
      return recordOf(await kubernetes.create<Lease>(leases, body, { signal }))
    },
    async replace(record, signal) {
      const body = objectOf(record, { resourceVersion: record.version })
      return recordOf(await kubernetes.merge<Lease>(lease, body, { signal }))
    },
  }
}

function objectOf(record: Omit<LeaseRecord, 'version'>, metadata: object): object {
  const { holder, address, duration, acquired, renewed, transitions } = record
  return {
    metadata: { ...metadata, annotations: { [ADDRESS]: address } },
    spec: {
      holderIdentity: holder,
      leaseDurationSeconds: Math.max(1, Math.ceil(duration)),
      acquireTime: acquired,
      renewTime: renewed,
      leaseTransitions: transitions,
    },
  }
}

function recordOf({ metadata = {}, spec = {} }: Lease): LeaseRecord {
  return {
    holder: spec.holderIdentity ?? '',
    address: metadata.annotations?.[ADDRESS] ?? '',
    duration: spec.leaseDurationSeconds ?? 1,
    acquired: spec.acquireTime ?? '',
    renewed: spec.renewTime ?? '',
    transitions: spec.leaseTransitions ?? 0,
    version: metadata.resourceVersion ?? '',
  }
}
