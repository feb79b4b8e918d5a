import { containerIds, nodes, pods, refusalOf, type Kubernetes, type Pod, type Target } from '@talon/client-kubernetes'
import { auditName, auditNamespace, auditResource, namespace, podName, type Job, type Report } from '@talon/plugin'
import { read } from './read.ts'

/** The object that an Event is about, as its `regarding` names it. */
export interface Subject {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly namespace?: string
  /** `kubectl describe` shows Events by it. */
  readonly uid?: string
}

/** An object that a report may be about, before the API was asked for it. */
interface Candidate {
  readonly target: Target
  readonly apiVersion: string
  readonly kind: string
  /** Known without asking. */
  readonly uid?: string | undefined
  /** Whether it is meant only where it can be read. */
  readonly unsure?: boolean
}

type Asked = Pick<Kubernetes, 'get' | 'resolve'>

/** What the report is about; undefined where that is no object of Kubernetes. Of one that is gone the UID may be missing. */
export async function subjectOf(report: Report, kubernetes: Asked, job: Job): Promise<Subject | undefined> {
  const inLog = () => audited(report, kubernetes, job)
  const acted = report.objects['resource'] === undefined ? [] : [inLog]
  for (const find of [...acted, nodeOf, podOf, inLog, hostOf]) {
    const candidate = await find(report)
    if (!candidate) continue
    const { target, apiVersion, kind, unsure } = candidate
    const uid = candidate.uid ?? (await uidOf(report, candidate, kubernetes, job))
    if (unsure && uid === undefined) continue
    const { name, namespace } = target
    return { apiVersion, kind, name, ...(namespace !== undefined && { namespace }), ...(uid !== undefined && { uid }) }
  }
  return undefined
}

/** The object that the audit log tells of. Its group is in the result, else in the URI of the request. */
async function audited({ objects, event }: Report, kubernetes: Asked, { signal }: Job): Promise<Candidate | undefined> {
  const { fields } = event
  const said = {
    resource: read(event, auditResource),
    name: read(event, auditName),
    namespace: read(event, auditNamespace),
  }
  const meant: Readonly<Record<string, string | undefined>> = objects['resource'] === undefined ? said : objects
  const [resource, ...group] = (meant['resource'] ?? '').split('.')
  const name = meant['name']
  if (!resource || name === undefined) return undefined
  const [, inUri = ''] = /^\/apis\/([a-z0-9.-]+)\//.exec(fields['ka.uri'] ?? '') ?? []
  const known = meant === objects || fields['ka.uri'] !== undefined
  const sought = { resource, group: known ? group.join('.') || inUri : undefined }
  const [found, ...more] = await kubernetes.resolve(sought, signal)
  if (!found || more.length) return undefined
  const { group: served, version, kind, namespaced } = found
  const inside = namespaced ? meant['namespace'] : undefined
  if (namespaced && inside === undefined) return undefined
  const target = { group: served, version, resource, name, namespace: inside }
  return { target, kind, apiVersion: served ? `${served}/${version}` : version }
}

/** A result that names a node is about the node, where Talon may read it: it was cordoned, drained, labelled. */
function nodeOf({ objects: { node, pod } }: Report): Candidate | undefined {
  if (!node) return undefined
  return { target: { ...nodes, name: node }, apiVersion: 'v1', kind: 'Node', unsure: pod !== undefined }
}

function podOf({ objects, event, podUid }: Report): Candidate | undefined {
  const name = objects['pod'] ?? read(event, podName)
  const inside = objects['namespace'] ?? read(event, namespace)
  if (!name || !inside) return undefined
  const isEvents = name === read(event, podName)
  const uid = isEvents ? (podUid ?? event.fields['k8s.pod.uid']) : undefined
  return { target: { ...pods, namespace: inside, name }, apiVersion: 'v1', kind: 'Pod', uid }
}

/** What happened outside of any pod happened on a node, which bears its host's name as a rule. */
function hostOf({ event: { source, hostname } }: Report): Candidate | undefined {
  if (source !== 'syscall' || !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(hostname)) return undefined
  return { target: { ...nodes, name: hostname }, apiVersion: 'v1', kind: 'Node', unsure: true }
}

/** The UID of the object, where it is there, may be read, and did not take the name over after the event. */
async function uidOf(
  report: Report,
  { target, unsure }: Candidate,
  kubernetes: Asked,
  job: Job,
): Promise<string | undefined> {
  try {
    const object = await kubernetes.get(target, job.signal)
    return isNamesake(object, report) ? undefined : object.metadata?.uid
  } catch (error) {
    const { code } = refusalOf(error) ?? {}
    if (code === 403 && !unsure)
      job.log.warn('the Event will lack the UID of its object', { error: (error as Error).message })
    if (code === 403 || code === 404) return undefined
    throw error
  }
}

/** A StatefulSet gives the name of a pod that was ended to the next one at once. */
function isNamesake(object: Pod, { event: { fields, time } }: Report): boolean {
  const container = fields['container.id']
  if (container && containerIds(object).some((id) => id.startsWith(container))) return false
  const at = /^\d+$/.test(time) ? Number(time) / 1e6 : Date.parse(time)
  return Date.parse(object.metadata?.creationTimestamp ?? '') > at
}
