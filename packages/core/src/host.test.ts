import { defineActionner, defineClient, definePlugin, done, type Plugin } from '@talon/plugin'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { Host } from './host.ts'

const log: string[] = []
const client = (name: string, open: () => unknown = () => name) =>
  defineClient({
    name,
    summary: 'A client',
    settings: z.object({ url: z.string().default('x') }),
    open,
    close: () => void log.push(name),
  })
const plugin = (name: string, actionner = 'test:do', uses = {}) =>
  definePlugin({
    name,
    provides: [
      defineActionner({
        name: actionner,
        summary: 'Does it',
        effect: 'observe',
        repeatable: true,
        parameters: z.object({}),
        uses,
        examples: [{ title: 'One', parameters: {} }],
        run: async () => done('done'),
      }),
    ],
  })

describe('the host', () => {
  it('finds what plugins provide, by kind and name', () => {
    const host = new Host().add(plugin('a'))
    expect(host.find('actionner', 'test:do')?.summary).toBe('Does it')
    expect([host.find('output', 'test:do'), host.find('actionner', 'toString')]).toEqual([undefined, undefined])
  })

  it('refuses what is provided twice, and what is no plugin', () => {
    expect(() => new Host().add(plugin('a')).add(plugin('b'))).toThrow(
      "plugin b: the actionner 'test:do' is provided already",
    )
    expect(() => new Host().add({ name: 'old' } as Plugin)).toThrow(/no plugin of contract 1/)
  })

  it('opens a client once, whoever asks, and one of its own in each engine', async () => {
    const open = vi.fn(() => ({}))
    const shared = client('shared', open)
    const host = new Host()
    const [a, b] = await Promise.all([host.open({ x: shared }), host.open({ y: shared })])
    expect(a.x).toBe(b.y)
    await new Host().open({ shared })
    expect(open).toHaveBeenCalledTimes(2)
  })

  it('forgets a failed opening, so that it can be tried again', async () => {
    const open = vi.fn().mockRejectedValueOnce(new Error('down')).mockResolvedValue('up')
    const flaky = client('flaky', open)
    const host = new Host()
    await expect(host.open({ flaky })).rejects.toThrow('down')
    expect([await host.open({ flaky }), await host.open({ flaky })]).toEqual([{ flaky: 'up' }, { flaky: 'up' }])
    expect(open).toHaveBeenCalledTimes(2)
  })

  it('gives a client its own section of the settings, and says what is wrong with it', async () => {
    const host = new Host({ settings: (name) => (name === 'web' ? { url: 5 } : undefined) })
    await expect(host.open({ web: client('web') })).rejects.toThrow(/web\.url: .*string/)
    expect(await host.open({ other: client('other') })).toEqual({ other: 'other' })
  })

  it('warns of a client that has the name of another, and opens the first for both, whoever asks first', async () => {
    const ours = client('http')
    const theirs = { ...client('http', () => 'theirs'), summary: 'Another client' }
    const copy = { ...ours }
    const host = new Host()
      .add(plugin('ours', 'a:a', { ours }))
      .add(plugin('theirs', 'b:b', { theirs, again: theirs }))
      .add(plugin('copies', 'c:c', { copy }))
    expect(host.doubts).toEqual([
      {
        level: 'warning',
        message:
          "plugin theirs: its client 'http' is never opened: ours has another one of that name, which serves both",
        hint: expect.stringContaining('a name of its own') as string,
      },
    ])
    expect(await host.open({ theirs })).toEqual({ theirs: 'http' })
  })

  it("uses an embedder's own client, and leaves it open", async () => {
    const own = client('own')
    const host = new Host().provide(own, 'mine')
    expect(await host.open({ own })).toEqual({ own: 'mine' })
    await host.close()
    expect(log).toEqual([])
  })

  it('closes what it opened, the last first', async () => {
    const host = new Host()
    await host.open({ a: client('a'), b: client('b') })
    await host.close()
    expect(log).toEqual(['b', 'a'])
  })
})
