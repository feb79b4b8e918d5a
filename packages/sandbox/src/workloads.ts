import { randomBytes, randomUUID } from 'node:crypto'
import { runPod } from './pods.ts'
import type { Json, KubeObject, OwnerReference } from './objects.ts'

/** What a seeded workload is called and where its pods run. */
export interface WorkloadOptions {
  readonly name: string
  readonly namespace?: string
  readonly replicas?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly node?: string
  readonly containers?: readonly string[]
}

/** Letters and digits that Kubernetes makes names of: no vowels, so no words. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'
export const suffix = (length = 5) => [...randomBytes(length)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('')

export const ownerOf = ({ apiVersion = '', kind = '', metadata }: KubeObject): OwnerReference => ({
  apiVersion,
  kind,
  name: metadata.name,
  uid: metadata.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
})

/** A pod that runs, and that nobody owns. */
export function pod(
  { name, namespace = 'default', labels = {}, node = 'node-1', containers = ['main'] }: WorkloadOptions,
  owner?: OwnerReference,
): KubeObject {
  return runPod({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, uid: randomUUID(), labels: { ...labels }, ...(owner && { ownerReferences: [owner] }) },
    spec: {
      nodeName: node,
      containers: containers.map((container) => ({ name: container, image: 'registry.test/app:1' })),
    },
  })
}

function workload(kind: string, options: WorkloadOptions, spec: Json, status: Json): KubeObject {
  const { name, namespace = 'default', labels = { app: options.name } } = options
  const template = {
    metadata: { labels },
    spec: {
      containers: (options.containers ?? ['main']).map((container) => ({
        name: container,
        image: 'registry.test/app:1',
      })),
    },
  }
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace, uid: randomUUID(), labels: { ...labels } },
    spec: { selector: { matchLabels: labels }, template, ...spec },
    status,
  }
}

/** A Deployment with its ReplicaSet and running pods, as a cluster shows them. */
export function deployment(options: WorkloadOptions): KubeObject[] {
  const { replicas = 2, labels = { app: options.name } } = options
  const status = { replicas, readyReplicas: replicas, availableReplicas: replicas, updatedReplicas: replicas }
  const top = workload('Deployment', options, { replicas }, status)
  const hash = suffix(10)
  const hashed = { ...labels, 'pod-template-hash': hash }
  const set = workload(
    'ReplicaSet',
    { ...options, name: `${options.name}-${hash}`, labels: hashed },
    { replicas },
    status,
  )
  set.metadata.ownerReferences = [ownerOf(top)]
  const pods = Array.from({ length: replicas }, () =>
    pod({ ...options, name: `${set.metadata.name}-${suffix()}`, labels: hashed }, ownerOf(set)),
  )
  return [top, set, ...pods]
}

/** A StatefulSet with its running pods: `name-0` and on. */
export function statefulSet(options: WorkloadOptions): KubeObject[] {
  const { replicas = 2, labels = { app: options.name } } = options
  const set = workload(
    'StatefulSet',
    options,
    { replicas, serviceName: options.name },
    { replicas, readyReplicas: replicas, availableReplicas: replicas },
  )
  const named = (name: string) => ({
    ...labels,
    'statefulset.kubernetes.io/pod-name': name,
    'controller-revision-hash': `${options.name}-1`,
  })
  const pods = Array.from({ length: replicas }, (_, n) => `${options.name}-${n}`).map((name) =>
    pod({ ...options, name, labels: named(name) }, ownerOf(set)),
  )
  return [set, ...pods]
}

/** A DaemonSet with one running pod on its node. */
export function daemonSet(options: WorkloadOptions): KubeObject[] {
  const { labels = { app: options.name } } = options
  const set = workload(
    'DaemonSet',
    options,
    {},
    { desiredNumberScheduled: 1, numberReady: 1, currentNumberScheduled: 1 },
  )
  const hashed = { ...labels, 'controller-revision-hash': suffix(10) }
  return [set, pod({ ...options, name: `${options.name}-${suffix()}`, labels: hashed }, ownerOf(set))]
}

/** What a controller makes in place of a pod that is gone. A StatefulSet keeps the name. */
export function replacementOf(gone: KubeObject, owner: KubeObject, node: string | undefined): KubeObject {
  const base = owner.kind === 'StatefulSet' ? gone.metadata.name : `${owner.metadata.name}-${suffix()}`
  const { namespace, labels } = gone.metadata
  const spec = structuredClone(gone.spec ?? {})
  delete spec['ephemeralContainers']
  delete spec['nodeName']
  if (node !== undefined) spec['nodeName'] = node
  const template = (owner.spec?.['template'] as KubeObject | undefined)?.metadata.labels ?? {}
  const kept = Object.fromEntries(
    Object.entries(labels ?? {}).filter(([key]) => key in template || key.includes('hash') || key.includes('pod-name')),
  )
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: base,
      ...(namespace && { namespace }),
      labels: { ...template, ...kept },
      ownerReferences: [ownerOf(owner)],
    },
    spec,
  }
}

/** The pod of a Job, on the node that the Job's template names. */
export function podOfJob(job: KubeObject): KubeObject {
  const { spec = {}, metadata } = (job.spec?.['template'] ?? {}) as {
    spec?: Json
    metadata?: { labels?: Record<string, string> }
  }
  const labels = { 'job-name': job.metadata.name, 'batch.kubernetes.io/job-name': job.metadata.name }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${job.metadata.name}-${suffix()}`,
      ...(job.metadata.namespace && { namespace: job.metadata.namespace }),
      labels: { ...metadata?.labels, ...labels },
      ownerReferences: [ownerOf(job)],
    },
    spec: { nodeName: 'node-1', ...spec },
  }
}
