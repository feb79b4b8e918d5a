import { afterEach, beforeEach, expect, it } from 'vitest'
import { pod, startSandbox, type Sandbox } from './index.ts'

let sandbox: Sandbox
let leave: AbortController
beforeEach(async () => {
  leave = new AbortController()
  sandbox = await startSandbox({ endDelay: 0 })
})
afterEach(async () => {
  leave.abort()
  await sandbox.close()
})

interface Told {
  readonly type: string
  readonly object: {
    readonly metadata: { readonly name: string; readonly resourceVersion: string }
    readonly code?: number
  }
}

/** The changes of a watch, one after the other. */
async function* watch(query: string): AsyncGenerator<Told> {
  const response = await fetch(`${sandbox.url}/api/v1/pods?watch=1&${query}`, { signal: leave.signal })
  let rest = ''
  for await (const chunk of response.body!) {
    const lines = (rest + new TextDecoder().decode(chunk)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield JSON.parse(line) as Told
  }
}
async function take(changes: AsyncGenerator<Told>, count: number): Promise<string[]> {
  const taken: string[] = []
  while (taken.length < count) {
    const { value } = await changes.next()
    taken.push(`${value?.type} ${value?.object.metadata.name}`)
  }
  return taken
}
const path = () => `${sandbox.url}/api/v1/namespaces/default/pods/web-0`
const patch = (labels: object) =>
  fetch(path(), {
    method: 'PATCH',
    headers: { 'content-type': 'application/merge-patch+json' },
    body: JSON.stringify({ metadata: { labels } }),
  })

it('a watch tells what is there, and then each change', async () => {
  sandbox.seed(pod({ name: 'web-0' }))
  const changes = watch('')
  expect(await take(changes, 1)).toEqual(['ADDED web-0'])
  await patch({ a: '1' })
  await fetch(`${path()}?gracePeriodSeconds=0`, { method: 'DELETE' })
  expect(await take(changes, 2)).toEqual(['MODIFIED web-0', 'DELETED web-0'])
})

it('an object that leaves the sight of a watch is told as deleted, one that comes into it as added', async () => {
  sandbox.seed(pod({ name: 'seen', labels: { app: 'a' } }), pod({ name: 'web-0' }))
  const changes = watch('labelSelector=app%3Da')
  expect(await take(changes, 1)).toEqual(['ADDED seen'])
  await patch({ app: 'a' })
  await patch({ app: 'a', more: 'b' })
  await patch({ app: 'other' })
  expect(await take(changes, 3)).toEqual(['ADDED web-0', 'MODIFIED web-0', 'DELETED web-0'])
})

it('a watch goes on from the version of any change, also of a deletion', async () => {
  sandbox.seed(pod({ name: 'web-0' }), pod({ name: 'web-1' }))
  await fetch(`${path()}?gracePeriodSeconds=0`, { method: 'DELETE' })
  const version = async (changes: AsyncGenerator<Told>, type: string) => {
    for await (const told of changes) if (told.type === type) return Number(told.object.metadata.resourceVersion)
    throw new Error('the watch ended')
  }
  const { metadata } = sandbox.find('pods', 'default', 'web-1')!
  const deleted = await version(watch(`resourceVersion=${metadata.resourceVersion}`), 'DELETED')
  expect(deleted).toBeGreaterThan(Number(metadata.resourceVersion))
  const next = watch(`resourceVersion=${deleted}`)
  sandbox.seed(pod({ name: 'web-2' }))
  expect(await take(next, 1)).toEqual(['ADDED web-2'])
})

it('a watch from before what is remembered is told 410', async () => {
  const { value } = await watch('resourceVersion=1').next()
  expect(value).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } })
})

it('a patch that changes nothing is no change', async () => {
  sandbox.seed(pod({ name: 'web-0', labels: { a: '1' } }))
  const before = sandbox.find('pods', 'default', 'web-0')?.metadata.resourceVersion
  await patch({ a: '2' })
  const after = sandbox.find('pods', 'default', 'web-0')?.metadata.resourceVersion
  await patch({ a: '2' })
  expect(after).not.toBe(before)
  expect(sandbox.find('pods', 'default', 'web-0')?.metadata.resourceVersion).toBe(after)
})
