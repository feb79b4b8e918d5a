import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gcp, type Gcp } from '@talon/client-gcp'
import { checkPlugin, falcoEvent, run } from '@talon/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { PROJECT, startGoogle } from '../../client-gcp/testing/google.ts'
import { loadedBy } from '../../client-gcp/testing/loaded.ts'
import plugin, { gcpFunction } from './index.ts'

checkPlugin(plugin)

it('loads no library of Google when it is imported', () => {
  expect(loadedBy(`await import('@talon/actionner-gcp')`, import.meta.dirname)).toBe(0)
})

let google: Awaited<ReturnType<typeof startGoogle>>
let client: Gcp
let folder: string
beforeEach(async () => {
  google = await startGoogle()
  folder = mkdtempSync(join(tmpdir(), 'talon-actionner-gcp-'))
  const credentials_path = google.writeCredentials(join(folder, 'key.json'))
  const settings = gcp.settings.parse({ credentials_path, functions_endpoint: google.url })
  client = await gcp.open(settings, { log: console })
})
afterEach(async () => {
  await client.close()
  await google.close()
  rmSync(folder, { recursive: true })
})

const call = (
  over: { gcp_function_name?: string; gcp_function_location?: string; gcp_function_timeout?: number } = {},
  options: Partial<Parameters<typeof run>[2]> = {},
) =>
  run(
    gcpFunction,
    { gcp_function_name: 'isolate', gcp_function_location: 'us-central1', ...over },
    { ...options, clients: { gcp: client } },
  )
const called = () => google.asked.filter(({ path }) => path.startsWith('/run/'))

describe('gcp:function', () => {
  it('calls the function with the event as it came, context in it, and an identity token for its address', async () => {
    const event = falcoEvent({ fields: { 'evt.time': 1, 'proc.name': 'sh' } })
    const raw = event.raw.replace('"evt.time":1', '"evt.time":1795521584834631763')
    const outcome = await call({}, { event: { ...event, raw }, context: { 'falco-talon.rule': 'Isolate' } })
    expect(outcome).toMatchObject({
      status: 'success',
      objects: { function: 'isolate', location: 'us-central1', project: PROJECT, status: '200' },
      output: expect.stringMatching(/^did \d+$/) as string,
    })
    const body = called()[0]?.body ?? ''
    expect(body).toContain('"evt.time":1795521584834631763')
    expect(JSON.parse(body)).toMatchObject({ rule: event.rule, context: { 'falco-talon.rule': 'Isolate' } })
  })

  it('calls one of the first generation at its own address', async () => {
    expect(await call({ gcp_function_name: 'gen1' })).toMatchObject({ status: 'success' })
    expect(called().map(({ path }) => path)).toEqual(['/run/gen1'])
  })

  it('calls nothing in a dry run, and says what it would call', async () => {
    expect(await call({}, { dryRun: true })).toMatchObject({
      status: 'success',
      message: 'the function isolate would be called',
    })
    expect(called()).toEqual([])
  })

  it.each([
    [{ gcp_function_name: 'nobody' }, 'check gcp_function_name and gcp_function_location'],
    [{ gcp_function_name: 'queued' }, 'it has no address (its state is DEPLOYING)'],
  ])('says what is wrong with %j', async (over, words) => {
    expect(await call(over)).toMatchObject({ status: 'failure', message: expect.stringContaining(words) as string })
  })

  it.each([401, 403, 404, 429, 500])('fails where the function answers %i, called once', async (status) => {
    google.answer(/^\/run/, { status, body: `no\nreally ${'x'.repeat(100_000)}` })
    const { status: outcome, message } = await call()
    expect([outcome, message]).toEqual([
      'failure',
      expect.stringMatching(new RegExp(`^the function isolate failed: ${status} .*no really x`)),
    ])
    expect(message.length).toBeLessThan(1000)
    expect(called()).toHaveLength(1)
  })

  it('keeps a bounded part of a long answer', async () => {
    google.answer(/^\/run/, { status: 200, body: 'x'.repeat(1_000_000) })
    expect((await call()) as { output?: string }).toMatchObject({ output: 'x'.repeat(64 * 1024) })
  })

  it('waits for the answer no longer than asked, and says that what was done is not known', async () => {
    google.answer(/^\/run/, { status: 200, after: 120_000 })
    expect(await call({ gcp_function_timeout: 0.2 })).toMatchObject({
      status: 'failure',
      message: expect.stringContaining('did not answer within 0.2 s: what it did is not known') as string,
    })
  })

  it('ends when its run ends, with that reason', async () => {
    google.answer(/^\/run/, { status: 200, after: 120_000 })
    const ending = new AbortController()
    const calling = call({}, { signal: ending.signal })
    await vi.waitFor(() => expect(called()).toHaveLength(1), { timeout: 20_000 })
    ending.abort(new Error('Talon is stopping'))
    expect(await calling).toMatchObject({ status: 'failure', message: 'Talon is stopping' })
  })

  it('takes no token in a name or a location, and no way out of its path', () => {
    for (const name of ['${PROC_NAME}', '../x', 'a/b', 'a?b', 'a%2fb', ''])
      for (const key of ['gcp_function_name', 'gcp_function_location'])
        expect(
          gcpFunction.parameters.safeParse({ gcp_function_name: 'a', gcp_function_location: 'b', [key]: name }).success,
        ).toBe(false)
  })
})
