import { kubernetes } from '@talon/client-kubernetes'
import { ActionError, type Logger, type Report } from '@talon/plugin'
import { pod } from '@talon/sandbox'
import { checkPlugin, falcoEvent, report, type EventParts } from '@talon/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStand, type Stand } from '../../client-kubernetes/testing/stand.ts'
import plugin, { k8sevents } from './index.ts'

checkPlugin(plugin)

let stand: Stand
const warned: string[] = []
const log: Logger = { debug() {}, info() {}, warn: (message) => void warned.push(message), error() {} }
const { signal } = new AbortController()
beforeEach(async () => {
  warned.length = 0
  stand = await openStand({}, log)
  stand.sandbox.seed(pod({ name: 'web-0' }))
})
afterEach(() => stand.close())

type Told = Readonly<Record<string, unknown>>

let reports = 0
function reportOf(parts: Partial<Report> = {}, event: EventParts = {}): Report {
  return report({
    id: `report-${reports++}`,
    message: "the pod 'web-0' was labelled",
    rule: 'Shell in a container',
    action: 'Label it',
    time: '2026-11-24T12:00:00.000Z',
    event: falcoEvent(event),
    ...parts,
  })
}

const tell = (one: Report, by = stand.client) =>
  k8sevents.run({ reports: [one], parameters: {}, signal, log }, { kubernetes: by })

/** What the API holds of what was told. */
async function told(one: Report): Promise<Told> {
  const { objects } = await tell(one)
  const { event: name = '', namespace } = objects
  return stand.client.get<Told>({ group: 'events.k8s.io', version: 'v1', resource: 'events', namespace, name }, signal)
}
const uidOf = (plural: string, namespace: string | undefined, name: string) =>
  stand.sandbox.find(plural, namespace, name)?.metadata.uid

describe('an Event', () => {
  it('is on the pod, with its UID, and says what was done', async () => {
    expect(await told(reportOf({ output: 'two\nlines' }))).toMatchObject({
      metadata: { namespace: 'default' },
      eventTime: '2026-11-24T12:00:00.000000Z',
      type: 'Normal',
      reason: 'falco-talon:kubernetes:label:success',
      action: 'kubernetes:label',
      regarding: {
        apiVersion: 'v1',
        kind: 'Pod',
        name: 'web-0',
        namespace: 'default',
        uid: uidOf('pods', 'default', 'web-0'),
      },
      note: "success: the pod 'web-0' was labelled; rule: Shell in a container; action: Label it (kubernetes:label); objects: pod web-0, namespace default; event: A shell was spawned in a container with an attached terminal; output: two lines; trace: 0af7651916cd43dd8448eb211c80319c",
      reportingController: 'falcosecurity.org/falco-talon',
      reportingInstance: expect.stringMatching(/^talon-./) as string,
    })
  })

  it.each(['failure', 'interrupted'] as const)('warns of a %s', async (status) => {
    expect(await told(reportOf({ status, error: 'no' }))).toMatchObject({ type: 'Warning' })
  })

  it('is on the node that was acted on, in the namespace default', async () => {
    const report = reportOf({ objects: { pod: 'web-0', namespace: 'shop', node: 'node-1' } })
    const { metadata, regarding } = await told(report)
    expect(metadata).toMatchObject({ namespace: 'default' })
    expect(regarding).toEqual({
      apiVersion: 'v1',
      kind: 'Node',
      name: 'node-1',
      uid: uidOf('nodes', undefined, 'node-1'),
    })
  })

  it('is on the pod where the node may not be read', async () => {
    stand.sandbox.fail({ method: 'GET', path: /nodes/, status: 403 })
    const { regarding } = await told(reportOf({ objects: { pod: 'web-0', namespace: 'default', node: 'node-1' } }))
    expect(regarding).toMatchObject({ kind: 'Pod', name: 'web-0' })
    expect(warned).toEqual([])
  })

  it('is on the audited object, whatever its kind', async () => {
    stand.sandbox.seed({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'admin:x', namespace: 'default' },
    })
    const objects = { resource: 'roles.rbac.authorization.k8s.io', name: 'admin:x', namespace: 'default' }
    const uid = uidOf('roles', 'default', 'admin:x')
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      name: 'admin:x',
      namespace: 'default',
      uid,
    }
    expect((await told(reportOf({ objects })))['regarding']).toEqual(role)
    const uri = '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles'
    const fields = {
      'ka.target.resource': 'roles',
      'ka.target.name': 'admin:x',
      'ka.target.namespace': 'default',
      'ka.uri': uri,
    }
    expect((await told(reportOf({ objects: {} }, { fields, source: 'k8s_audit' })))['regarding']).toEqual(role)
  })

  it('is on what the event tells of where the result names nothing', async () => {
    const report = reportOf({ objects: {}, status: 'failure' })
    expect((await told(report))['regarding']).toMatchObject({ kind: 'Pod', name: 'web-0' })
    const onHost = reportOf({ objects: {} }, { fields: {}, hostname: 'node-1' })
    expect((await told(onHost))['regarding']).toMatchObject({ kind: 'Node', name: 'node-1' })
  })

  it('is not told where nothing of Kubernetes is meant', async () => {
    const report = reportOf({ objects: { function: 'x' } }, { fields: {}, source: 'aws_cloudtrail' })
    expect(await tell(report)).toMatchObject({ status: 'ignored' })
    expect(await tell(reportOf({ objects: {} }, { fields: {}, hostname: 'laptop' }))).toMatchObject({
      status: 'ignored',
    })
  })

  it('has the UID of a pod that is gone where the event tells it, and none else', async () => {
    const fields = { 'k8s.ns.name': 'default', 'k8s.pod.name': 'gone', 'k8s.pod.uid': 'u-1' }
    const objects = { pod: 'gone', namespace: 'default' }
    expect((await told(reportOf({ objects }, { fields })))['regarding']).toMatchObject({ name: 'gone', uid: 'u-1' })
    const found = reportOf({ objects, podUid: 'u-2' }, { fields: { 'k8s.ns.name': 'default', 'k8s.pod.name': 'gone' } })
    expect((await told(found))['regarding']).toMatchObject({ name: 'gone', uid: 'u-2' })
    expect((await told(reportOf({ objects })))['regarding']).not.toHaveProperty('uid')
  })

  it('is not put on a namesake that came after the event', async () => {
    const report = reportOf({}, { time: '2020-01-01T00:00:00.123456789Z' })
    expect((await told(report))['regarding']).not.toHaveProperty('uid')
  })

  it('lacks the UID where Talon may not read the object, with a warning', async () => {
    stand.sandbox.fail({ method: 'GET', path: /pods/, status: 403 })
    expect((await told(reportOf()))['regarding']).not.toHaveProperty('uid')
    expect(warned).toHaveLength(1)
  })
})

describe('repeats', () => {
  it('are one Event that counts them, though a delivery that is tried again is none', async () => {
    const first = reportOf()
    await tell(first)
    expect(await told(first)).not.toHaveProperty('series')
    const later = await told(reportOf({ time: '2026-11-24T12:05:00.000Z', output: 'another', traceId: 'f'.repeat(32) }))
    expect(later).toMatchObject({
      eventTime: '2026-11-24T12:00:00.000000Z',
      series: { count: 2, lastObservedTime: '2026-11-24T12:05:00.000000Z' },
      note: expect.stringContaining('0af7651916cd43dd8448eb211c80319c') as string,
    })
    expect(await told(reportOf())).toMatchObject({
      series: { count: 3, lastObservedTime: '2026-11-24T12:05:00.000000Z' },
    })
  })

  it('are all counted where several replicas tell them at once', async () => {
    const other = await kubernetes.open({ kubeconfig: stand.kubeconfig }, { log })
    await Promise.all(Array.from({ length: 12 }, (_, n) => tell(reportOf(), n % 2 ? other : stand.client)))
    await other.close()
    expect(await told(reportOf())).toMatchObject({ series: { count: 13 } })
  })

  it('are none where the outcome differs', async () => {
    const { objects: one } = await tell(reportOf({ status: 'failure', error: 'timeout' }))
    const { objects: two } = await tell(reportOf({ status: 'failure', error: 'refused' }))
    expect(one['event']).not.toBe(two['event'])
  })
})

describe('a refusal', () => {
  it('says that the namespace is gone, and does not ask for another try', async () => {
    const lost = reportOf({ objects: { pod: 'x', namespace: 'nowhere' } })
    await expect(tell(lost)).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining("'nowhere' is gone") as string,
    })
  })

  it('says that the namespace is being deleted, as the API server words it', async () => {
    const message = 'unable to create new content in namespace going because it is being terminated'
    const causes = [{ reason: 'NamespaceTerminating', field: 'metadata.namespace' }]
    const refused = new ActionError(message, {
      cause: { code: 403, reason: 'Forbidden', message, details: { causes } },
    })
    const refusing = { ...stand.client, create: () => Promise.reject(refused) }
    await expect(tell(reportOf(), refusing)).rejects.toMatchObject({
      retryable: false,
      message: "the namespace 'default' is being deleted: it takes no Event any more",
    })
  })

  it('names the right that is missing', async () => {
    stand.sandbox.fail({ method: 'POST', path: /events/, status: 403 })
    await expect(tell(reportOf())).rejects.toThrow(/create events\.events\.k8s\.io/)
  })

  it('is handed on with the wait that the server asks for', async () => {
    stand.sandbox.fail({ method: 'POST', path: /events/, status: 429, retryAfter: 2 })
    await expect(tell(reportOf())).rejects.toMatchObject({ retryable: true, retryAfter: 2000 })
  })
})
