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
    const all = ids.map((id): Progress => ({ id, kind: 'finish', result: 'done' }))
    const told = all.map((item) => outbox.tell('http://b', item).then(() => resolved++))
    answering.resolve()
    await Promise.race([Promise.all(told), sleep(5000)])
    expect(resolved).toBe(all.length)
    expect([arrived.size, arrived.has('20299')]).toEqual([20_000, true])
  })
})
