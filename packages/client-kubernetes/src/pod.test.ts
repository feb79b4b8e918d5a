import { pod, statefulSet, type Sandbox } from '@talon/sandbox'
import { done, type Event, type Notes } from '@talon/plugin'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openStand, type Stand } from '../testing/stand.ts'
import { pods, type Kubernetes } from './index.ts'
import { containerIds, type FoundPod } from './pod.ts'

const { signal } = new AbortController()
const fields = { pod: 'web-0', namespace: 'default' }
const web = { ...pods, namespace: 'default', name: 'web-0' }

let stand: Stand
let sandbox: Sandbox
let client: Kubernetes
beforeEach(async () => {
  stand = await openStand({ replaceDelay: 0, endDelay: 0 })
  ;({ sandbox, client } = stand)
})
afterEach(() => stand.close())

function eventOf(more: Readonly<Record<string, string>> = {}, at = Date.now()): Event {
  return {
    id: '1',
    rule: 'Terminal shell in container',
    priority: 'Notice',
    source: 'syscall',
    output: '',
    time: '',
    at,
    received: at,
    hostname: 'node-1',
    tags: [],
    uuid: '',
    fields: { 'k8s.pod.name': 'web-0', 'k8s.ns.name': 'default', ...more },
    raw: '{}',
    traceId: '0af7651916cd43dd8448eb211c80319c',
  }
}
function notesOf(uid?: string): Notes & { readonly kept: Map<string, string> } {
  const kept = new Map(uid === undefined ? [] : [['pod.uid', uid]])
  return { kept, get: (name) => kept.get(name), set: (name, value) => void kept.set(name, value) }
}
const seen = async (event: Event, notes: Notes = notesOf()) => {
  const found = await client.findPod({ event, fields, notes, signal })
  return typeof found === 'string' ? found : found.metadata.uid
}
/** web-0, created that many seconds after now. */
function seedWeb(seconds = 0): { uid: string; id: string } {
  const object = pod({ name: 'web-0' })
  object.metadata.creationTimestamp = new Date(Date.now() + seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
  sandbox.seed(object)
  return { uid: object.metadata.uid ?? '', id: containerIds(object as unknown as FoundPod)[0] ?? '' }
}

it('is told by its UID where the event has it', async () => {
  const { uid } = seedWeb(3600)
  expect(await seen(eventOf({ 'k8s.pod.uid': uid }))).toBe(uid)
  expect(await seen(eventOf({ 'k8s.pod.uid': 'other' }, Date.now() + 7200_000))).toContain('its UID is')
})

it('is told by its container, by twelve digits of its id', async () => {
  const { uid, id } = seedWeb(3600)
  expect(await seen(eventOf({ 'container.id': id.slice(0, 12) }))).toBe(uid)
  expect(await seen(eventOf({ 'container.id': id }))).toBe(uid)
  expect(await seen(eventOf({ 'container.id': id.slice(0, 11) }))).toContain('created at')
})

it('is still that pod where the container restarted in place', async () => {
  const { uid } = seedWeb(3600)
  const old = 'a'.repeat(64)
  const status = {
    containerStatuses: [
      {
        name: 'main',
        containerID: 'containerd://b',
        lastState: { terminated: { containerID: `containerd://${old}` } },
      },
    ],
  }
  await client.merge({ ...web, subresource: 'status' }, { status }, { signal })
  expect(await seen(eventOf({ 'container.id': old.slice(0, 12) }))).toBe(uid)
})

it('is told by its creation, five seconds allowed, where nothing else is known', async () => {
  const { uid } = seedWeb(0)
  expect(await seen(eventOf({}, Date.now() - 3000))).toBe(uid)
  expect(await seen(eventOf({}, Date.now() - 30_000))).toContain('after the event')
})

it('is not a pod that came a moment later with another container', async () => {
  seedWeb(0)
  expect(await seen(eventOf({ 'container.id': 'abcdefabcdef' }, Date.now() - 3000))).toContain('after the event')
})

it('is noted by its UID, and what is noted counts from then on', async () => {
  const { uid } = seedWeb(0)
  const notes = notesOf()
  await seen(eventOf(), notes)
  expect(notes.kept.get('pod.uid')).toBe(uid)
  expect(await seen(eventOf({ 'k8s.pod.uid': uid }), notesOf('earlier'))).toContain('not the one of the event')
})

it('is ignored where it is gone, before and while it is acted on', async () => {
  const act = () => Promise.resolve(done('acted'))
  const job = { event: eventOf(), fields, notes: notesOf(), signal }
  expect(await client.onPod(job, act)).toMatchObject({
    status: 'ignored',
    message: expect.stringContaining('gone') as string,
  })
  seedWeb(0)
  const going = client.onPod({ ...job, event: eventOf() }, async ({ metadata: { uid } }) => {
    await client.remove(web, { uid, gracePeriod: 0, signal })
    await client.remove(web, { uid, gracePeriod: 0, signal })
    return done('acted')
  })
  expect(await going).toMatchObject({ status: 'ignored', message: expect.stringContaining('went meanwhile') as string })
})

it('is ignored where its StatefulSet made another one of that name meanwhile', async () => {
  sandbox.seed(statefulSet({ name: 'web', replicas: 1 }))
  const old = await client.get(web, signal)
  const job = { event: eventOf(), fields, notes: notesOf(), signal }
  const result = await client.onPod(job, async ({ metadata: { uid } }) => {
    await client.remove(web, { gracePeriod: 0, signal })
    await expect
      .poll(() =>
        client.get(web, signal).then(
          ({ metadata }) => metadata?.uid,
          () => old.metadata?.uid,
        ),
      )
      .not.toBe(old.metadata?.uid)
    await client.merge(web, { metadata: { uid, labels: { x: 'y' } } }, { signal })
    return done('acted')
  })
  expect(result).toMatchObject({ status: 'ignored', message: expect.stringContaining('was replaced') as string })
})

it('is read once for all steps of an event, also side by side, and again where that failed', async () => {
  const reads = () => sandbox.requests.filter(({ method, path }) => method === 'GET' && path.endsWith('/web-0')).length
  const event = eventOf()
  await seen(event)
  seedWeb(0)
  await Promise.all([seen(event), seen(event), seen(event)])
  expect(reads()).toBe(2)
  await seen(eventOf())
  expect(reads()).toBe(3)
})
