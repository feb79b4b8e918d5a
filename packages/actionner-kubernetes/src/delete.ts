import {
  isNotFound,
  isReplaced,
  kubernetes,
  type Kubernetes,
  type KubernetesObject,
  type Served,
  type Sought,
} from '@talon/client-kubernetes'
import {
  ActionError,
  auditName,
  auditNamespace,
  auditResource,
  defineActionner,
  done,
  EventError,
  ignored,
  type Event,
} from '@talon/plugin'
import { z } from 'zod'

/** How much the clocks of two API servers may differ, in milliseconds. */
const SKEW = 5000

/** Deletes the object that the audit log tells of. */
const deletion = defineActionner({
  name: 'kubernetes:delete',
  summary: 'Delete the object that the audit log tells of',
  notes: `For events of the source \`k8s_audit\`. The object is deleted only where it is what the event tells of: not where the
request was refused, nor where it is older than the request that is said to have created it, nor where another one
bears its name by now.

The group of the kind is read from \`ka.uri\`. Without it, a name that several groups have is an error.
Without \`resources\`, Talon needs the right to delete everything; with it, only these kinds.`,
  needs: { resource: auditResource, name: auditName, namespace: auditNamespace },
  uses: { kubernetes },
  continue: false,
  effect: 'destroy',
  repeatable: true,
  previews: true,
  parameters: z.object({
    resources: z
      .array(
        z
          .string()
          .regex(
            /^[a-z0-9]+(\.[a-z0-9.-]+)?$/,
            'is no plural name of a kind, as `roles` or `roles.rbac.authorization.k8s.io`',
          ),
      )
      .min(1)
      .optional()
      .describe('Plural names of the kinds that may be deleted, with or without their group; without it, any'),
    propagation: z
      .enum(['background', 'foreground'])
      .default('background')
      .describe('Whether what the object owns is deleted after it, or before'),
  }),
  examples: [
    { title: 'Delete whatever was created', parameters: {} },
    { title: 'Bindings alone', parameters: { resources: ['rolebindings', 'clusterrolebindings'] } },
  ],
  permissions: { kubernetes: [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'delete'], kinds: 'resources' }] },
  async run({ event, fields, parameters, signal, dryRun }, { kubernetes }) {
    const { resource, name } = fields
    const given = { resource, name, ...(fields.namespace !== undefined && { namespace: fields.namespace }) }
    const code = Number(event.fields['ka.response.code'] ?? 0)
    if (code >= 400) return ignored(`the audited request was refused with ${code}: nothing came about`, given)

    const kind = await onlyOne(kubernetes, kindIn(event, resource), signal)
    if (!kind.verbs.includes('delete')) throw new ActionError(`objects of the kind '${resource}' cannot be deleted`)
    const full = kind.group ? `${resource}.${kind.group}` : resource
    if (parameters.resources && ![resource, full].some((one) => parameters.resources?.includes(one)))
      return ignored(`${full} is none of the kinds that \`resources\` lists`, given)
    const namespace = namespaceOf(kind, fields.namespace)
    const objects = { resource: full, name, ...(namespace !== undefined && { namespace }) }
    const what = `${full} '${name}'${namespace === undefined ? '' : ` in namespace '${namespace}'`}`

    const target = { ...kind, namespace, name }
    try {
      const object = await kubernetes.get<KubernetesObject>(target, signal)
      const doubt = doubtAbout(object, event)
      if (doubt) return ignored(`${what} is not what the event tells of: ${doubt}`, objects)
      const { uid } = object.metadata ?? {}
      const propagation = parameters.propagation === 'foreground' ? 'Foreground' : 'Background'
      await kubernetes.remove(target, { uid, propagation, dryRun, signal })
    } catch (error) {
      if (isNotFound(error)) return ignored(`there is no ${what}: it is gone already, or never was`, objects)
      if (isReplaced(error)) return ignored(`${what} was replaced meanwhile`, objects)
      throw error
    }
    return done(dryRun ? `dry run: ${what} would be deleted` : `${what} was deleted`, objects)
  },
})
export { deletion as delete }

/** `/apis/<group>/<version>/...`, `/api/v1/...` */
const URI = /^\/(?:api|apis\/(?<group>[a-z0-9.-]+))\/(?<version>v[a-z0-9]+)\/(?<rest>[^?#]*)/

/** The kind in the words of the event: the group comes from the URI, which has the plural in it. */
function kindIn(event: Event, resource: string): Sought {
  const { group = '', version, rest = '' } = URI.exec(event.fields['ka.uri'] ?? '')?.groups ?? {}
  if (version === undefined || !rest.split('/').includes(resource)) return { resource }
  return { resource, group, version }
}

/** @throws ActionError where the cluster knows no such kind, or several */
async function onlyOne(kubernetes: Kubernetes, sought: Sought, signal: AbortSignal): Promise<Served> {
  const found = await kubernetes.resolve(sought, signal)
  const [first, ...more] = found
  const name = `${sought.resource}${sought.group ? `.${sought.group}` : ''}`
  if (!first) throw new ActionError(`the cluster knows no kind '${name}'`)
  if (more.length === 0) return first
  const groups = found.map(({ group }) => group || 'core').join(', ')
  throw new ActionError(`several groups have a kind '${name}' (${groups}), and the event does not say which it means`)
}

function namespaceOf({ namespaced, resource }: Served, namespace: string | undefined): string | undefined {
  if (!namespaced) return undefined
  if (namespace === undefined) throw new EventError(`the event lacks ka.target.namespace, and ${resource} have one`)
  return namespace
}

/** Why this object is not the one that the request was about; undefined where it is. */
function doubtAbout({ metadata }: KubernetesObject, event: Event): string | undefined {
  const born = Date.parse(metadata?.creationTimestamp ?? '')
  if (born > event.at + SKEW) return `it was created at ${metadata?.creationTimestamp}, after the event`
  const part = event.fields['ka.target.subresource'] ?? subresourceIn(event)
  const created = event.fields['ka.verb'] === 'create' && part === undefined
  if (created && born < event.at - SKEW) return `it was created at ${metadata?.creationTimestamp}, before the request`
  return undefined
}

/** `create` of `pods/exec` creates no pod. */
function subresourceIn({ fields }: Event): string | undefined {
  const { rest = '' } = URI.exec(fields['ka.uri'] ?? '')?.groups ?? {}
  const parts = rest.split('/').filter(Boolean)
  const at = parts.lastIndexOf(fields['ka.target.resource'] ?? '')
  return at < 0 ? undefined : parts[at + 2]
}
