import type { KindOf } from './kinds.ts'
import { policyTypesOf } from './networkpolicy.ts'
import type { KubeObject } from './objects.ts'
import { runPod } from './pods.ts'
import type { StartScript } from './script.ts'

/** An item of a list says nothing of its kind, unless it is a custom one. */
export function bare(object: KubeObject): KubeObject {
  const item = { ...object }
  delete item.apiVersion
  delete item.kind
  return item
}

/** What the API server, kubelet or a controller fills in at once. */
export function alive({ kind, group }: KindOf, object: KubeObject, starts?: StartScript): KubeObject {
  if (kind === 'NetworkPolicy' && group === 'networking.k8s.io')
    return { ...object, spec: { ...object.spec, policyTypes: policyTypesOf(object.spec ?? {}) } }
  if (group !== '') return object
  if (kind === 'Pod') return runPod(object, starts)
  return kind === 'Namespace' ? { ...object, status: { phase: 'Active' } } : object
}
