import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Lanes, type Ticket } from './lanes.ts'

const never = new AbortController().signal

function stand({ concurrency = 4, now = (): number => 0 } = {}) {
  const lanes = new Lanes({ concurrency, now })
  const log: string[] = []
  const ends = new Map<string, () => void>()
  const run = (name: string, ticket: Partial<Ticket>, signal = never) =>
    lanes.run({ urgency: 0, ...ticket }, signal, async () => {
      log.push(name)
      await new Promise<void>((resolve) => void ends.set(name, resolve))
    })
  const end = async (name: string) => {
    ends.get(name)?.()
    await turn()
  }
  return { lanes, log, run, end }
}

describe('lanes', () => {
  it('let work on one target run one at a time, the most urgent first, and other targets beside it', async () => {
    const { log, run, end } = stand()
    void run('a1', { lane: 'a' })
    void run('a-notice', { lane: 'a', urgency: 2 })
    void run('a-critical', { lane: 'a', urgency: 5 })
    void run('b1', { lane: 'b' })
    await turn()
    expect(log).toEqual(['a1', 'b1'])
    await end('a1')
    expect(log).toEqual(['a1', 'b1', 'a-critical'])
    await end('a-critical')
    expect(log.at(-1)).toBe('a-notice')
  })

  it('are not held by work that observes, which leaves places to act', async () => {
    const { log, run } = stand({ concurrency: 4 })
    for (let n = 1; n <= 9; n++) void run(`watch${n}`, {})
    await turn()
    expect(log).toEqual(['watch1', 'watch2', 'watch3'])
    void run('act', { lane: 'a' })
    await turn()
    expect(log.at(-1)).toBe('act')
  })

  it('let the first come go first among equals, and old work pass before newer that is more urgent', async () => {
    let time = 0
    const { log, run, end } = stand({ concurrency: 1, now: () => time })
    void run('now', { lane: 'x' })
    void run('old', { lane: 'a', urgency: 0 })
    void run('old2', { lane: 'b', urgency: 0 })
    time = 71_000
    void run('new', { lane: 'c', urgency: 7 })
    await turn()
    await end('now')
    await end('old')
    await end('old2')
    expect(log).toEqual(['now', 'old', 'old2', 'new'])
  })

  it('give up work that is aborted while it waits, and its turn with it', async () => {
    const { lanes, log, run, end } = stand()
    const abort = new AbortController()
    void run('first', { lane: 'a' })
    const second = run('second', { lane: 'a' }, abort.signal)
    void run('third', { lane: 'a' })
    await turn()
    abort.abort(new Error('stopped'))
    await expect(second).rejects.toThrow('stopped')
    await end('first')
    expect(log).toEqual(['first', 'third'])
    await end('third')
    expect(lanes.waiting).toBe(0)
  })

  it('go on after work that failed', async () => {
    const lanes = new Lanes({ concurrency: 1, now: () => 0 })
    await expect(lanes.run({ lane: 'a', urgency: 0 }, never, () => Promise.reject(new Error('no')))).rejects.toThrow(
      'no',
    )
    expect(await lanes.run({ lane: 'a', urgency: 0 }, never, async () => 'yes')).toBe('yes')
  })
})
