const GROUP = 'rbac.authorization.k8s.io'

/** A rule of a role, as rbac.authorization.k8s.io/v1 writes it. */
export interface Grant {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly string[]
}

/** What is asked for. */
export interface Wanted {
  readonly name: string
  /** A Role in place of a ClusterRole. */
  readonly namespaced?: boolean
  /** Who gets it. */
  readonly bind?: { readonly namespace: string; readonly serviceAccount: string }
}

/** The role itself. A Role lies in the namespace of who gets it; without one, where `kubectl -n` puts it. */
export function roleOf(rules: readonly Grant[], { name, namespaced, bind }: Wanted): object {
  const namespace = namespaced && bind ? { namespace: bind.namespace } : {}
  return {
    apiVersion: `${GROUP}/v1`,
    kind: namespaced ? 'Role' : 'ClusterRole',
    metadata: { name, ...namespace, labels },
    rules,
  }
}

/** Gives the role to a ServiceAccount. */
export function bindingOf({ name, namespaced, bind }: Wanted): object[] {
  if (!bind) return []
  const { namespace, serviceAccount } = bind
  return [
    {
      apiVersion: `${GROUP}/v1`,
      kind: namespaced ? 'RoleBinding' : 'ClusterRoleBinding',
      metadata: { name, ...(namespaced && { namespace }), labels },
      roleRef: { apiGroup: GROUP, kind: namespaced ? 'Role' : 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name: serviceAccount, namespace }],
    },
  ]
}

const labels = { 'app.kubernetes.io/name': 'talon' }
