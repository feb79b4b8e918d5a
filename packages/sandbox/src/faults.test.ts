import { afterEach, beforeEach, expect, it } from 'vitest'
import { pod, startSandbox, type Sandbox } from './index.ts'

let sandbox: Sandbox
let url: string
beforeEach(async () => {
  sandbox = await startSandbox()
  sandbox.seed(pod({ name: 'web-0' }))
  url = `${sandbox.url}/api/v1/namespaces/default/pods/web-0`
})
afterEach(() => sandbox.close())

const status = async () => (await fetch(url)).status

it('a refusal comes as often as it was ordered, for its method alone', async () => {
  sandbox.fail({ path: '/pods/web-0', method: 'GET', status: 503, times: 2, retryAfter: 7 })
  expect((await fetch(url, { method: 'DELETE' })).status).toBe(200)
  const first = await fetch(url)
  expect([first.status, first.headers.get('retry-after')]).toEqual([503, '7'])
  expect(await first.json()).toMatchObject({ reason: 'ServiceUnavailable', details: { retryAfterSeconds: 7 } })
  expect([await status(), await status()]).toEqual([503, 200])
})

it('a pattern that remembers where it was matches every time', async () => {
  sandbox.fail({ path: /web-0/g, status: 500, times: 2 })
  expect([await status(), await status(), await status()]).toEqual([500, 500, 200])
})

it('a delay makes the request wait, and serves it then', async () => {
  sandbox.fail({ path: '/web-0', delay: 50 })
  const order: string[] = []
  const late = status().then(() => order.push('delayed'))
  await fetch(`${sandbox.url}/readyz`).then(() => order.push('other'))
  await late
  expect(order).toEqual(['other', 'delayed'])
})

it('a connection that is dropped is a failure of the client, and the next one works', async () => {
  sandbox.fail({ path: '/web-0', drop: true })
  await expect(fetch(url)).rejects.toThrow('fetch failed')
  expect(await status()).toBe(200)
})

it('a sandbox closes while a request waits', async () => {
  sandbox.fail({ path: '/web-0', delay: 3_600_000 })
  const waiting = fetch(url).catch((error: unknown) => error)
  while (sandbox.requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
  await sandbox.close()
  expect(await waiting).toBeInstanceOf(Error)
  sandbox = await startSandbox()
})
