import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { ActionError, defineOutput, definePlugin, done, ignored } from '@talon/plugin'
import { describe, expect, it } from 'vitest'
import { readConfig } from './config.ts'
import { decode } from './event.ts'
import { inspect } from './inspect.ts'
import { memoryJournal } from './memory.ts'
import { plan } from './plan.ts'
import { act, base, body, rule, spoolPath, start, step } from './talon.fixture.ts'

describe("a rule's sequence", () => {
  const fail = act('test:fail', () => Promise.reject(new ActionError('the world refused')))
  const three = (more: string) => rule(step('test:a') + step('test:fail', more) + step('test:b'))

  it('ends with a failure', async () => {
    const { talon, told, reports, settled } = await start(three(''), [act('test:a'), fail, act('test:b')])
    await talon.handle(body())
    await settled()
    expect(told()).toEqual(['test:a success', 'test:fail failure'])
    expect(reports[1]?.error).toBe('the world refused')
  })
  it('goes on after one whose errors are ignored', async () => {
    const { talon, told, settled } = await start(three(', ignore_errors: true'), [act('test:a'), fail, act('test:b')])
    await talon.handle(body())
    await settled()
    expect(told()).toEqual(['test:a success', 'test:fail failure', 'test:b success'])
  })
  it('ends after an action that does not continue, done or ignored', async () => {
    const last = act('test:last', undefined, { continue: false })
    const pass = act('test:pass', undefined, { run: async () => ignored('not today') })
    const { talon, told, settled } = await start(rule(step('test:pass') + step('test:last') + step('test:b')), [
      pass,
      last,
      act('test:b'),
    ])
    await talon.handle(body())
    await settled()
    expect(told()).toEqual(['test:pass ignored', 'test:last success'])
  })
  it('does nothing for an event without the fields that the action needs, and names them', async () => {
    let ran = false
    const { talon, reports, settled } = await start(rule(step('test:a')), [act('test:a', () => void (ran = true))])
    await talon.handle(body({}, { 'k8s.pod.name': null }))
    await settled()
    expect([ran, reports[0]?.error]).toEqual([
      false,
      'the event has none of the fields k8s.pod.name, ka.target.pod.name, ka.target.name',
    ])
  })
  it('tries what may not run twice again only where the other side surely did nothing', async () => {
    const tries: Record<string, number> = {}
    const failing = (name: string, untouched: boolean) =>
      act(
        name,
        () => {
          tries[name] = (tries[name] ?? 0) + 1
          throw new ActionError('busy', { retryable: true, untouched, retryAfter: 1 })
        },
        { repeatable: false },
      )
    const rules = rule(step('test:throttled')) + rule(step('test:broken')).replace('Answer', 'Another')
    const { talon, settled } = await start(rules, [failing('test:throttled', true), failing('test:broken', false)])
    await talon.handle(body())
    await settled()
    expect(tries).toEqual({ 'test:throttled': 4, 'test:broken': 1 })
  })

  it('ends an action at its timeout', async () => {
    const hang = act('test:hang', undefined, {
      run: ({ signal }: { signal: AbortSignal }) => sleep(60_000, undefined, { signal }),
    })
    const { talon, reports, settled } = await start(rule(step('test:hang', ', timeout: 0.05')), [hang])
    await talon.handle(body())
    await settled()
    expect(reports[0]).toMatchObject({
      status: 'failure',
      error: 'the action took longer than its timeout of 0.05 s and was ended',
    })
  })
})

describe('an artifact', () => {
  let collected = 0
  const collect = act('test:collect', undefined, {
    output: 'required',
    effect: 'observe',
    run: async () =>
      done(
        'collected',
        {},
        {
          artifact: {
            name: 'a/b.log',
            async *open() {
              collected++
              yield Buffer.from('evidence')
            },
          },
        },
      ),
  })
  const out = (store: () => void) =>
    defineOutput({
      ...base,
      name: 'test:store',
      async run({ artifact, key }) {
        store()
        return done(`stored ${key}`, { key, content: await text(artifact.open() as never) })
      },
    })
  const actions = step('test:collect', ', output: { target: "test:store" }') + step('test:end')

  it('is collected once and stored with retries, before the next step; nothing stays in the spool', async () => {
    collected = 0
    let tries = 0
    const store = out(() => {
      if (++tries < 2) throw new ActionError('busy', { retryable: true, retryAfter: 1 })
    })
    const { talon, reports, settled } = await start(rule(actions), [collect, store, act('test:end')])
    await talon.handle(body())
    await settled()
    expect(reports.map(({ stage, status }) => `${stage} ${status}`)).toEqual([
      'action success',
      'output success',
      'action success',
    ])
    const [, { objects, target } = { objects: {} as Record<string, string>, target: '' }] = reports
    expect({ target, ...objects }).toMatchObject({
      target: 'test:store',
      content: 'evidence',
      size: '8',
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(objects['key']).toMatch(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z_default_web-0_a_b\.log$/)
    expect([collected, tries, readdirSync(spoolPath)]).toEqual([1, 2, []])
  })

  it('that an earlier run collected is stored, and not collected again', async () => {
    collected = 0
    const journal = memoryJournal({ maxEvents: 10, now: () => 0 })
    const provides = [collect, out(() => {}), act('test:end')]
    const { ruleset } = inspect({
      plugins: [definePlugin({ name: 'p', provides })],
      rules: [{ name: 'r', text: rule(actions) }],
      config: readConfig({ env: {}, flags: { default_notifiers: [] } }).config,
    })
    const event = decode(body(), { id: '1', received: Date.now(), traceId: 'a'.repeat(32) })
    await journal.accept(event, { key: 'k', length: 0, sliding: false })
    const planned = plan(event, ruleset!)
    await journal.plan('1', { ...planned, rules: planned.rules.map((one) => ({ ...one, notifiers: ['keep'] })) })
    const at = Date.UTC(2026, 0, 2)
    await journal.step('1', '0.0', {
      state: 'collected',
      collected: { file: '1.0.0', name: 'a.log', size: 3, sha256: 'x', at },
    })
    writeFileSync(join(spoolPath, '1.0.0'), 'old')
    const { reports, settled } = await start(rule(actions), provides, { journal })
    await settled()
    expect(collected).toBe(0)
    expect(reports.map(({ stage, actionner }) => `${stage} ${actionner}`)).toEqual([
      'output test:collect',
      'action test:end',
    ])
    expect(reports[0]?.objects).toMatchObject({ content: 'old', key: '2026-01-02T00-00-00.000Z_default_web-0_a.log' })
    expect(readdirSync(spoolPath)).toEqual([])
  })

  it('that cannot be stored ends the sequence: evidence comes before what destroys it', async () => {
    const store = out(() => {
      throw new ActionError('access denied')
    })
    const { talon, reports, settled } = await start(rule(actions), [collect, store, act('test:end')])
    await talon.handle(body())
    await settled()
    expect(reports.map(({ stage, status }) => `${stage} ${status}`)).toEqual(['action success', 'output failure'])
    expect(readdirSync(spoolPath)).toEqual([])
  })
})

describe('lanes', () => {
  it('keep changes to one pod apart, and let other pods pass', async () => {
    const now = new Map<string, number>()
    let most = 0
    let together = 0
    const count = act('test:count', undefined, {
      async run({ fields: { pod } }: { fields: { pod: string } }) {
        now.set(pod, (now.get(pod) ?? 0) + 1)
        most = Math.max(most, now.get(pod) ?? 0)
        together = Math.max(
          together,
          [...now.values()].reduce((a, b) => a + b),
        )
        await sleep(5)
        now.set(pod, (now.get(pod) ?? 1) - 1)
        return done('counted')
      },
    })
    const { talon, settled } = await start(rule(step('test:count')), [count])
    for (let n = 0; n < 12; n++) await talon.handle(body({}, { 'k8s.pod.name': `web-${n % 3}`, 'proc.name': `p${n}` }))
    await settled()
    expect([most, together]).toEqual([1, 3])
  })
})
