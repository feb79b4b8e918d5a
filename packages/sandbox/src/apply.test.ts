import { afterEach, beforeEach, expect, it } from 'vitest'
import { startSandbox, type Sandbox } from './index.ts'

let sandbox: Sandbox
beforeEach(async () => {
  sandbox = await startSandbox()
})
afterEach(() => sandbox.close())

const APPLY = 'application/apply-patch+yaml'
const path = '/api/v1/namespaces/default/configmaps/c'
async function send(query: string, body: string | object, type = APPLY): Promise<{ code: number; object: object }> {
  const response = await fetch(`${sandbox.url}${path}?${query}`, {
    method: 'PATCH',
    headers: { 'content-type': type, 'user-agent': 'test/1' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { code: response.status, object: (await response.json()) as object }
}
const config = (data: object) => ({ apiVersion: 'v1', kind: 'ConfigMap', data })
const apply = (manager: string, data: object, force = false) =>
  send(`fieldManager=${manager}&force=${force}`, config(data))
const stored = () => sandbox.find('configmaps', 'default', 'c')
const managers = () =>
  stored()?.metadata.managedFields?.map(({ manager, operation, fieldsV1 }) => [manager, operation, fieldsV1])

it('creates what is not there, and says who owns what', async () => {
  expect((await apply('one', { a: '1', b: '2' })).code).toBe(201)
  expect(managers()).toEqual([['one', 'Apply', { 'f:data': { 'f:a': {}, 'f:b': {} } }]])
})

it('reads YAML', async () => {
  await send('fieldManager=one', 'apiVersion: v1\nkind: ConfigMap\ndata:\n  a: "1"\n')
  expect(stored()?.['data']).toEqual({ a: '1' })
})

it('takes away what its manager leaves out, unless another owns it too', async () => {
  await apply('one', { a: '1', b: '2', c: '3' })
  expect((await apply('two', { b: '2' })).code).toBe(200)
  await apply('one', { c: '3' })
  expect(stored()?.['data']).toEqual({ b: '2', c: '3' })
})

it('takes a field from its owner only by force', async () => {
  await apply('one', { a: '1', b: '1' })
  expect((await apply('two', { a: '2' })).code).toBe(409)
  expect(stored()?.['data']).toEqual({ a: '1', b: '1' })
  expect((await apply('two', { a: '2' }, true)).code).toBe(200)
  expect(managers()).toEqual([
    ['one', 'Apply', { 'f:data': { 'f:b': {} } }],
    ['two', 'Apply', { 'f:data': { 'f:a': {} } }],
  ])
})

it('knows what an update changed, by the name of the client', async () => {
  await apply('one', { a: '1', b: '1' })
  await send('', { data: { a: '2' } }, 'application/merge-patch+json')
  expect(managers()).toEqual([
    ['one', 'Apply', { 'f:data': { 'f:b': {} } }],
    ['test', 'Update', { 'f:data': { 'f:a': {} } }],
  ])
})

it('an object that was seeded belongs to whoever made it', async () => {
  sandbox.seed({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'theirs', namespace: 'default' },
    data: { k: 'theirs' },
  })
  const response = await fetch(`${sandbox.url}/api/v1/namespaces/default/configmaps/theirs?fieldManager=talon`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/apply-patch+yaml' },
    body: 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: theirs }\ndata: { k: ours }\n',
  })
  expect([response.status, await response.json()]).toMatchObject([
    409,
    { message: 'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.k' },
  ])
})
