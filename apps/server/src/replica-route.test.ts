import { memoryJournal } from '@talon/core'
import { createSealer } from '@talon/replicas'
import { describe, expect, it } from 'vitest'
import { createAuth } from './auth.ts'
import { createApp } from './http.ts'

const SECRET = 'between the two of us'
const ENDPOINT = 'http://10.0.0.7:2803/-/replicas'
const body = JSON.stringify({ kind: 'progress', items: [{ id: '1', turn: 1, kind: 'finish', result: 'done' }] })

function open() {
  const refused: string[] = []
  const received: unknown[] = []
  const app = createApp({
    talon: {
      handle: async () => ({ verdict: 'accepted', traceId: 't' }),
      ready: async () => ({ ready: true, problems: [] }),
    },
    metrics: { page: async () => '', contentType: 'text/plain' },
    reload: async () => [],
    journal: memoryJournal({ maxEvents: 10, now: () => 0 }),
    replication: {
      sealer: createSealer(SECRET),
      endpoint: ENDPOINT,
      replica: {
        receive: async (message) => {
          received.push(message)
          return { ok: true }
        },
      },
    },
    auth: createAuth(() => []),
    refused: (reason) => refused.push(reason),
    log: { debug() {}, info() {}, warn() {}, error() {} },
  })
  const send = async (headers: object, sent: string | ReadableStream = body) =>
    app.request('/-/replicas', { method: 'POST', body: sent, headers: { ...headers }, duplex: 'half' })
  return { send, refused, received }
}

describe('the route of other servers', () => {
  it('takes what is sealed with the secret, and seals its answer', async () => {
    const { send, received } = open()
    const sealer = createSealer(SECRET)
    const seal = sealer.seal(ENDPOINT, body)
    const answer = await send(seal)
    expect([answer.status, received]).toEqual([200, [JSON.parse(body)]])
    expect(sealer.isAnswer(seal['talon-nonce'], await answer.text(), answer.headers.get('talon-seal') ?? '')).toBe(true)
  })

  it('takes nothing from who has another secret, or none, or repeats what he heard, here or from elsewhere', async () => {
    const { send, received, refused } = open()
    const seal = createSealer(SECRET).seal(ENDPOINT, body)
    expect((await send(seal)).status).toBe(200)
    const elsewhere = createSealer(SECRET).seal('http://10.0.0.8:2803/-/replicas', body)
    const wrong = [{}, createSealer('a guess').seal(ENDPOINT, body), seal, elsewhere]
    for (const headers of wrong) expect((await send(headers)).status).toBe(403)
    const another = createSealer(SECRET).seal(ENDPOINT, 'another')
    expect((await send(another)).status).toBe(403)
    expect([received.length, refused]).toEqual([1, Array.from({ length: 5 }, () => 'not_sealed')])
  })

  it('holds no room for the bodies of strangers: they are turned away before they send any', async () => {
    const { send, received } = open()
    const endless = () => new ReadableStream({ type: 'bytes', pull: () => new Promise(() => {}) })
    const declared = { 'content-length': String(16 * 2 ** 20) }
    const idle = Array.from({ length: 32 }, () => send(declared, endless()))
    expect((await send(createSealer(SECRET).seal(ENDPOINT, body))).status).toBe(200)
    expect(received).toHaveLength(1)
    expect((await Promise.all(idle)).map(({ status }) => status)).toEqual(idle.map(() => 403))
  })
})
