import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { startReceiver } from '../../client-http/testing/receiver.ts'
import { openBed } from '../testing/bed.ts'
import { startSessions } from '../testing/sessions.ts'

const SIZE = 3_000_000
const content = randomBytes(SIZE)
let server: Awaited<ReturnType<typeof startSessions>>
let bed: Awaited<ReturnType<typeof openBed>>
beforeEach(async () => {
  server = await startSessions()
  bed = await openBed(server.url)
})
afterEach(async () => {
  await bed.close()
  await server.close()
})

const store = (over: Parameters<typeof bed.store>[1] = {}) => bed.store(bed.artifactOf(content), over)
const isStored = () => content.equals(server.objects.get('a.log') ?? Buffer.alloc(0))

it('an upload whose connection breaks goes on where it stopped', async () => {
  server.disturb({ after: 1_000_000 }, { after: 500_000 })
  await store()
  expect(isStored()).toBe(true)
  const all = `/${SIZE}`
  expect(server.ranges).toEqual([
    `bytes 0-${SIZE - 1}${all}`,
    `bytes *${all}`,
    `bytes 1000000-${SIZE - 1}${all}`,
    `bytes *${all}`,
    `bytes 1500000-${SIZE - 1}${all}`,
  ])
  expect(server.cancelled).toEqual([])
})

it('an upload that the server breaks off for a moment goes on', async () => {
  server.disturb({ after: 1_000_000, status: 503 })
  await store()
  expect(isStored()).toBe(true)
  expect(server.ranges.at(-1)).toBe(`bytes 1000000-${SIZE - 1}/${SIZE}`)
})

it('an upload whose last answer is lost counts as stored, and is not sent again', async () => {
  server.disturb({ after: SIZE })
  await expect(store()).resolves.toMatchObject({ status: 'success' })
  expect(server.ranges).toHaveLength(2)
})

it('an upload that makes no headway is given up and cancelled; core may try again', async () => {
  server.disturb(...Array.from({ length: 9 }, () => ({ after: 0, status: 503 })))
  await expect(store()).rejects.toMatchObject({ kind: 'action', retryable: true })
  expect([server.objects.size, server.cancelled]).toEqual([0, ['a.log']])
})

it('an upload whose run ends is cancelled, for the reason of the run', async () => {
  server.disturb({ after: 1_000_000, stall: true })
  const ending = new AbortController()
  const storing = store({ signal: ending.signal })
  await vi.waitFor(() => expect(server.ranges).toHaveLength(1), { timeout: 20_000 })
  ending.abort(new Error('Talon is stopping'))
  await expect(storing).rejects.toThrow('Talon is stopping')
  expect([server.objects.size, server.cancelled]).toEqual([0, ['a.log']])
})

it('an upload whose content is spoilt on its way is not stored, and core may try again', async () => {
  server.disturb({ status: 400, body: { error: { message: 'Provided MD5 hash does not match' } } })
  await expect(store()).rejects.toMatchObject({ retryable: true, message: expect.stringContaining('MD5') as string })
  expect(server.objects.size).toBe(0)
})

it.each([
  [
    403,
    'talon@x does not have storage.objects.create access',
    false,
    'grant storage.objects.create on the bucket evidence',
  ],
  [404, 'The specified bucket does not exist.', false, 'there is no bucket evidence'],
  [503, 'Backend error', true, 'Backend error'],
])('a refusal with %i says what to do', async (status, message, retryable, words) => {
  server.refuse(status, { error: { code: status, message } })
  await expect(store()).rejects.toMatchObject({
    retryable,
    message: expect.stringMatching(
      new RegExp(`^gs://evidence/a.log was not stored: .*${message}.*${words === message ? '' : words}`),
    ) as string,
  })
})

it('an object that is there, and of which nobody can tell what it is, is named with what to look at', async () => {
  const { url } = await startReceiver(({ method }) =>
    method === 'POST' ? { status: 412 } : { status: 200, body: '<html>\u001b[31m' },
  )
  const there = await openBed(url)
  onTestFinished(() => there.close())
  await expect(there.store(there.artifactOf(content))).rejects.toMatchObject({
    kind: 'action',
    message:
      'gs://evidence/a.log is there already, and cannot be compared: the answer is none of Cloud Storage; check gcp.storage_endpoint',
  })
})
