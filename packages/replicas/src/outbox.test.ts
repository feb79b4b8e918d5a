import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Link } from './link.ts'
import type { Progress } from './messages.ts'
import { Outbox } from './outbox.ts'
import { quiet } from './store.fixture.ts'

describe('an outbox', () => {
  it('that overflows while a message is on its way drops none unnoticed: nobody waits for ever', async () => {
    const arrived = new Set<string>()
    const answering = Promise.withResolvers<void>()
    const link: Link = async (_, message) => {
      await answering.promise
      if (message.kind === 'progress') for (const { id } of message.items) arrived.add(id)
      return { ok: true }
    }
    const outbox = new Outbox(link, quiet, new AbortController().signal)
    let resolved = 0
    const ids = Array.from({ length: 20_300 }, (_, index) => String(index))
    const all = ids.map((id): Progress => ({ id, turn: 1, kind: 'finish', result: 'done' }))
    const told = all.map((item) => outbox.tell('http://b', item).then(() => resolved++))
    answering.resolve()
    await Promise.race([Promise.all(told), sleep(5000)])
    expect(resolved).toBe(all.length)
    expect([arrived.size, arrived.has('20299')]).toEqual([20_000, true])
  })

  it('that overflows keeps the marks of what may not run twice: their steps wait for them', async () => {
    const arrived: Progress[] = []
    const answering = Promise.withResolvers<void>()
    const link: Link = async (_, message) => {
      await answering.promise
      if (message.kind === 'progress') arrived.push(...message.items)
      return { ok: true }
    }
    const outbox = new Outbox(link, quiet, new AbortController().signal)
    const tell = (item: Progress) => void outbox.tell('http://b', item)
    for (let id = 0; id < 300; id++) tell({ id: String(id), turn: 1, kind: 'finish', result: 'done' })
    const mark = { turn: 1, kind: 'step', step: '0.0', record: { state: 'started' } } as const
    for (let id = 0; id < 300; id++) tell({ id: `mark ${id}`, ...mark })
    for (let id = 0; id < 20_000; id++) tell({ id: String(id), turn: 1, kind: 'finish', result: 'done' })
    answering.resolve()
    while (!outbox.empty) await sleep(1)
    expect([arrived.length, arrived.filter(({ kind }) => kind === 'step').length]).toEqual([20_000, 300])
  })
})
