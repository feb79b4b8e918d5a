import type { KubernetesObject, V1CustomResourceDefinition } from '@kubernetes/client-node'

/** What a test creates and waits for: a definition of a kind. */
export type Definition = V1CustomResourceDefinition &
  KubernetesObject & { readonly metadata: { readonly name: string } }

/** A kind without a schema: what the network plugin would make of its objects is not tested here. */
const definition = (group: string, version: string, kind: string, plural: string): Definition => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', x_kubernetes_preserve_unknown_fields: true } },
          },
        },
      },
    ],
  },
})

/** As Calico keeps its policies in a cluster. */
export const calicoStored = definition('crd.projectcalico.org', 'v1', 'NetworkPolicy', 'networkpolicies')
/** Stands in for Calico's own API server, which serves this group in a real cluster. */
export const calicoServed = definition('projectcalico.org', 'v3', 'NetworkPolicy', 'networkpolicies')
export const ciliumPolicies = definition('cilium.io', 'v2', 'CiliumNetworkPolicy', 'ciliumnetworkpolicies')

/** Kinds of the Prometheus Operator. */
export const monitoring = [
  definition('monitoring.coreos.com', 'v1', 'ServiceMonitor', 'servicemonitors'),
  definition('monitoring.coreos.com', 'v1', 'PrometheusRule', 'prometheusrules'),
]
