/**
 * Kinds that have no namespace, by group: those of Kubernetes 1.36 (`kubectl api-resources --namespaced=false`), and the
 * policies of Calico and Cilium. Another kind is taken for one that has a namespace: no cluster is asked here.
 */
const CLUSTER_SCOPED: Readonly<Record<string, readonly string[]>> = {
  '': ['componentstatuses', 'namespaces', 'nodes', 'persistentvolumes'],
  'admissionregistration.k8s.io': [
    'mutatingadmissionpolicies',
    'mutatingadmissionpolicybindings',
    'mutatingwebhookconfigurations',
    'validatingadmissionpolicies',
    'validatingadmissionpolicybindings',
    'validatingwebhookconfigurations',
  ],
  'apiextensions.k8s.io': ['customresourcedefinitions'],
  'apiregistration.k8s.io': ['apiservices'],
  'certificates.k8s.io': ['certificatesigningrequests', 'clustertrustbundles'],
  'flowcontrol.apiserver.k8s.io': ['flowschemas', 'prioritylevelconfigurations'],
  'networking.k8s.io': ['ingressclasses', 'ipaddresses', 'servicecidrs'],
  'node.k8s.io': ['runtimeclasses'],
  'rbac.authorization.k8s.io': ['clusterrolebindings', 'clusterroles'],
  'resource.k8s.io': ['deviceclasses', 'resourceslices'],
  'scheduling.k8s.io': ['priorityclasses'],
  'storage.k8s.io': ['csidrivers', 'csinodes', 'storageclasses', 'volumeattachments', 'volumeattributesclasses'],
  'cilium.io': ['ciliumclusterwidenetworkpolicies'],
  'crd.projectcalico.org': ['globalnetworkpolicies', 'globalnetworksets'],
  'projectcalico.org': ['globalnetworkpolicies', 'globalnetworksets'],
}

/** Whether one of the resources has no namespace in one of the groups. In the group `*`, that is any. */
export function clusterScoped(apiGroups: readonly string[], resources: readonly string[]): boolean {
  const kinds = resources.map((resource) => resource.split('/')[0] ?? '')
  const groups = apiGroups.includes('*') ? Object.keys(CLUSTER_SCOPED) : apiGroups
  return groups.some((group) => kinds.some((kind) => CLUSTER_SCOPED[group]?.includes(kind)))
}
