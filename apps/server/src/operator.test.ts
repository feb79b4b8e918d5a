import { decode, memoryJournal } from '@talon/core'
import { describe, expect, it } from 'vitest'
import { createAuth } from './auth.ts'
import { createApp } from './http.ts'

const quiet = { debug() {}, info() {}, warn() {}, error() {} }

async function open() {
  const journal = memoryJournal({ maxEvents: 10, now: () => 0 })
  for (const id of ['1', '2']) {
    const event = decode(JSON.stringify({ rule: `Rule ${id}`, priority: 'Notice' }), {
      id,
      received: Number(id),
      traceId: 't',
    })
    await journal.accept(event, { key: id, length: 0, sliding: false })
  }
  await journal.step('1', '0.0', { state: 'failure', error: 'refused' })
  await journal.finish('1', 'failed')
  const refused: string[] = []
  const app = createApp({
    talon: {
      handle: async () => ({ verdict: 'accepted', traceId: 't' }),
      ready: async () => ({ ready: true, problems: [] }),
    },
    metrics: { page: async () => '', contentType: 'text/plain' },
    reload: async () => [],
    journal,
    auth: createAuth(() => []),
    refused: (reason) => refused.push(reason),
    log: quiet,
  })
  const from = (remoteAddress: string) => ({ incoming: { socket: { remoteAddress }, headers: {} } })
  const ask = async (method: string, path: string, address = '127.0.0.1') => {
    const answer = await app.request(`/-${path}`, { method }, from(address))
    return { status: answer.status, body: (await answer.json()) as Record<string, never> }
  }
  return { ask, journal, refused }
}

describe('the routes of an operator', () => {
  it('list what failed, show it, begin it again and forget it', async () => {
    const { ask } = await open()
    const { body } = await ask('GET', '/journal?state=failed')
    expect(body['entries']).toMatchObject([
      { id: '1', state: 'failed', event: 'Rule 1', steps: { '0.0': { state: 'failure', error: 'refused' } } },
    ])
    expect((await ask('GET', '/journal')).body['entries']).toHaveLength(2)
    expect((await ask('GET', '/journal/1')).body).toMatchObject({ event: { rule: 'Rule 1' }, state: 'failed' })
    expect((await ask('POST', '/journal/1/retry')).status).toBe(200)
    expect((await ask('GET', '/journal/1')).body).toMatchObject({ state: 'unfinished', steps: {} })
    expect((await ask('DELETE', '/journal/1')).status).toBe(404)
  })

  it('say what is wrong with what is asked for', async () => {
    const { ask } = await open()
    expect(await ask('GET', '/journal?state=bad')).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('failed') },
    })
    expect((await ask('GET', '/journal/9')).status).toBe(404)
    expect((await ask('POST', '/journal/2/retry')).body['error']).toContain('no event that failed')
  })

  it.each([
    ['GET', '/journal'],
    ['GET', '/journal/1'],
    ['POST', '/journal/1/retry'],
    ['DELETE', '/journal/1'],
    ['POST', '/reload'],
  ])('answer to nobody from elsewhere: %s %s', async (method, path) => {
    const { ask, journal, refused } = await open()
    expect((await ask(method, path, '10.0.0.7')).status).toBe(403)
    expect([refused, (await journal.show('1'))?.state]).toEqual([['not_local'], 'failed'])
  })
})
