import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  ActionError,
  defineActionner,
  defineClient,
  defineContext,
  defineNotifier,
  defineOutput,
  definePlugin,
  done,
  ignored,
} from '@talon/plugin'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { readConfig } from './config.ts'
import { decode } from './event.ts'
import { inspect } from './inspect.ts'
import { memoryJournal } from './memory.ts'
import { plan } from './plan.ts'
import { act, base, body, rule, spoolPath, start, step } from './talon.fixture.ts'

describe('an event', () => {
  it('goes its whole way, inside the observers, under one trace', async () => {
    const { talon, reports, stages, settled } = await start(rule(step('test:a')), [act('test:a')])
    const trace = '0af7651916cd43dd8448eb211c80319c'
    const answer = await talon.handle(body(), `00-${trace}-b7ad6b7169203331-01`)
    expect(answer).toMatchObject({ verdict: 'accepted', traceId: trace })
    await settled()
    expect(reports).toMatchObject([
      {
        stage: 'action',
        status: 'success',
        rule: 'Answer',
        action: 'test:a it',
        objects: { pod: 'web-0', namespace: 'default' },
        traceId: trace,
      },
    ])
    expect(stages.toSorted()).toEqual([
      'action:success',
      'checks:success',
      'event:success',
      'match:success',
      'notification:success',
    ])
  })

  it('is answered before anything is done, and a repeat is a duplicate', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const { talon, told, settled } = await start(rule(step('test:slow')), [act('test:slow', () => released)])
    expect((await talon.handle(body())).verdict).toBe('accepted')
    expect((await talon.handle(body())).verdict).toBe('duplicate')
    expect(told()).toEqual([])
    release()
    await settled()
    expect(told()).toEqual(['test:slow success'])
  })

  it.each(['in one write', 'in two'])('that matches nothing is finished at once, %s', async (writes) => {
    const journal = memoryJournal({ maxEvents: 10, now: () => 0 })
    if (writes === 'in two') delete journal.conclude
    const { talon, stages, settled } = await start(rule(step('test:a')), [act('test:a')], { journal })
    expect((await talon.handle(body({ rule: 'Other' }))).verdict).toBe('accepted')
    await settled()
    expect(stages).toEqual(['event:ignored'])
  })
})

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

describe('a dry run', () => {
  it('reports what would have run, with parameters resolved, and does not call an actionner that knows none', async () => {
    let ran = false
    const say = defineActionner({
      ...base,
      name: 'test:say',
      effect: 'change',
      repeatable: true,
      parameters: z.object({ text: z.string().describe('What to say').meta({ tokens: 'text' }) }),
      examples: [{ title: 'Hello', parameters: { text: 'hello' } }],
      async run() {
        ran = true
        return done('said')
      },
    })
    const { talon, reports, settled } = await start(
      rule(step('test:say', ', parameters: { text: "$K8S_POD_NAME" }'), 'dry_run: true'),
      [say],
    )
    await talon.handle(body())
    await settled()
    expect(reports).toMatchObject([
      { status: 'ignored', dryRun: true, message: 'dry run: test:say would run with {"text":"web-0"}' },
    ])
    expect(ran).toBe(false)
  })
})

describe('contexts', () => {
  it('reach the action as facts and as tokens; one that fails fails the action', async () => {
    let seen: unknown
    const node = defineContext({
      name: 'k8snode',
      summary: 'The node',
      gives: { 'node.hostname': 'Name' },
      run: async () => ({ 'node.hostname': 'n1' }),
    })
    const broken = defineContext({
      name: 'aws',
      summary: 'Nothing',
      gives: { 'aws.region': 'Region' },
      run: () => Promise.reject(new Error('no metadata')),
    })
    const say = defineActionner({
      ...base,
      name: 'test:say',
      effect: 'observe',
      repeatable: true,
      parameters: z.object({ command: z.string().describe('A program').meta({ shell: true }) }),
      examples: [{ title: 'Hello', parameters: { command: 'echo' } }],
      async run({ context, tokens, parameters }) {
        seen = { rule: context['falco-talon.rule'], tokens, command: parameters.command }
        return done('said')
      },
    })
    const command = `echo "$NODE_HOSTNAME" "$\{FALCO-TALON_RULE}"`
    const actions =
      step('test:say', `, additional_contexts: [k8snode], parameters: { command: '${command}' }`) +
      step('test:say', `, additional_contexts: [aws], parameters: { command: "true" }`)
    const { talon, reports, settled } = await start(rule(actions), [node, broken, say])
    await talon.handle(body())
    await settled()
    expect(seen).toEqual({
      rule: 'Answer',
      tokens: { NODE_HOSTNAME: 'n1', FALCO_TALON_RULE: 'Answer' },
      command: 'echo "${NODE_HOSTNAME}" "${FALCO_TALON_RULE}"',
    })
    expect(reports.map(({ status, error }) => [status, error])).toEqual([
      ['success', undefined],
      ['failure', 'no metadata'],
    ])
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

describe('notifiers', () => {
  it('that hang hold up no action, and what fails for good is a failed stage', async () => {
    const hang = defineNotifier({
      ...base,
      name: 'hang',
      run: ({ signal }) => sleep(60_000, undefined, { signal }).then(() => done('late')),
    })
    const broken = defineNotifier({
      ...base,
      name: 'broken',
      run: () => Promise.reject(new ActionError('no such channel')),
    })
    const { talon, reports, stages } = await start(
      rule(step('test:a'), 'notifiers: [hang, broken]'),
      [act('test:a'), hang, broken],
      { flags: { shutdown_timeout: 0.05 } },
    )
    for (let n = 0; n < 20; n++) await talon.handle(body({}, { n }))
    for (let left = 200; reports.length < 20 && left; left--) await sleep(5)
    expect(reports.length).toBe(20)
    expect(stages.filter((stage) => stage === 'notification:failure').length).toBe(20)
  })

  it('go together to who takes many at once, and what is left goes at the end', async () => {
    const calls: number[] = []
    const many = defineNotifier({
      ...base,
      name: 'many',
      batch: 50,
      async run({ reports }) {
        calls.push(reports.length)
        return done('told')
      },
    })
    const { talon } = await start(rule(step('test:a'), 'notifiers: [many]'), [act('test:a'), many])
    for (let n = 0; n < 120; n++) await talon.handle(body({}, { n }))
    await talon.stop()
    expect(calls.toSorted((a, b) => b - a)).toEqual([50, 50, 20])
  })

  it('are tried again where that makes sense', async () => {
    let tries = 0
    const flaky = defineNotifier({
      ...base,
      name: 'flaky',
      async run() {
        if (++tries < 3) throw new ActionError('429', { retryable: true, retryAfter: 1 })
        return done('sent')
      },
    })
    const { talon, stages, settled } = await start(rule(step('test:a'), 'notifiers: [flaky]'), [act('test:a'), flaky])
    await talon.handle(body())
    await settled()
    await sleep(20)
    expect([tries, stages.filter((stage) => stage === 'notification:success').length]).toEqual([3, 2])
  })
})

describe('starting', () => {
  it('ends with every issue where rules are wrong', async () => {
    const wrong = rule(step('test:nobody') + step('test:a', ', parameters: { x: 1 }') + step('test:none'))
    await expect(start(wrong, [act('test:a')])).rejects.toMatchObject({
      issues: expect.arrayContaining([
        expect.objectContaining({ file: 'rules.yaml', message: expect.stringContaining('test:nobody') }),
        expect.objectContaining({ file: 'rules.yaml', message: expect.stringContaining('test:none') }),
      ]),
    })
  })

  it('waits for a cluster that is away: the event is taken, and acted on when it is there', async () => {
    let there = false
    const cluster = defineClient({
      name: 'cluster',
      summary: 'A cluster',
      settings: z.object({}),
      open: () => 'client',
      check: () => (there ? Promise.resolve() : Promise.reject(new Error('connection refused'))),
    })
    const { talon, told, settled } = await start(rule(step('test:a')), [
      act('test:a', undefined, { uses: { cluster } }),
    ])
    expect(await talon.ready(new AbortController().signal)).toEqual({
      ready: false,
      problems: ['cluster: connection refused'],
    })
    await talon.handle(body())
    await sleep(20)
    expect(told()).toEqual([])
    there = true
    await settled()
    expect(told()).toEqual(['test:a success'])
    expect(await talon.ready(new AbortController().signal)).toEqual({ ready: true, problems: [] })
  })

  it('waits for it as long as it takes: that is no time of the action', async () => {
    const opens = performance.now() + 1500
    const cluster = defineClient({
      name: 'cluster',
      summary: 'A cluster',
      settings: z.object({}),
      open: () => 'client',
      check: () => (performance.now() > opens ? Promise.resolve() : Promise.reject(new Error('connection refused'))),
    })
    const works = act('test:a', undefined, {
      uses: { cluster },
      async run({ signal }: { signal: AbortSignal }) {
        await sleep(5, undefined, { signal })
        return done('done')
      },
    })
    const { talon, told, settled } = await start(rule(step('test:a', ', timeout: 1')), [works])
    await talon.handle(body())
    await settled()
    expect(told()).toEqual(['test:a success'])
  })

  it('does not wait for it where the event lacks what the action needs, and marks nothing as begun while it waits', async () => {
    const cluster = defineClient({
      name: 'cluster',
      summary: 'A cluster',
      settings: z.object({}),
      open: () => 'client',
      check: () => Promise.reject(new Error('connection refused')),
    })
    const journal = memoryJournal({ maxEvents: 10, now: () => 0 })
    const once = act('test:once', undefined, { uses: { cluster }, repeatable: false })
    const { talon, told } = await start(rule(step('test:once')), [once], { journal, flags: { shutdown_timeout: 0 } })
    await talon.handle(body({ output_fields: {} }))
    while (!told().length) await sleep(1)
    expect(told()).toEqual(['test:once failure'])
    await talon.handle(body({ uuid: 'waits' }))
    await sleep(20)
    const [waits] = (await journal.list({ limit: 10 })).filter(({ event }) => event.uuid === 'waits')
    expect([waits?.state, waits?.steps]).toEqual(['unfinished', {}])
  })

  it('holds no more for an event that waits, however many others pass', async () => {
    const hold = Promise.withResolvers<void>()
    const { talon } = await start(rule(step('test:hold')), [act('test:hold', () => hold.promise)], {
      file: 'journal: { type: memory, max_events: 20000 }\ndeduplication: { time_window_seconds: 0 }\n',
    })
    // One place is left of those that are responded to at once.
    for (let count = 0; count < 9_999; count++) await talon.handle(body())
    await sleep(200)
    const before = process.memoryUsage().heapUsed
    for (let count = 0; count < 500; count++) await talon.handle(body({ rule: 'Nothing' }))
    for (let left = 2000; talon.stats().events > 9_999 && left; left--) await sleep(10)
    const grown = process.memoryUsage().heapUsed - before
    hold.resolve()
    expect(talon.stats().events).toBe(9_999)
    // A race of all that wait for each that passes took 480 MiB.
    expect(grown).toBeLessThan(200 * 2 ** 20)
  }, 60_000)

  it('goes on with what a journal kept: finished steps stay, repeatable ones run again, others are interrupted', async () => {
    const ran: string[] = []
    const once = act('test:once', () => void ran.push('once'), { repeatable: false })
    const again = act('test:again', () => void ran.push('again'))
    const kept = memoryJournal({ maxEvents: 10, now: () => 0 })
    const event = decode(body(), { id: '1', received: Date.now(), traceId: 'a'.repeat(32) })
    const rules = [{ name: 'r', text: rule(step('test:again') + step('test:again') + step('test:once')) }]
    const plugins = [definePlugin({ name: 'p', provides: [once, again] })]
    const { ruleset } = inspect({
      plugins,
      rules,
      config: readConfig({ env: {}, flags: { default_notifiers: ['keep'] } }).config,
    })
    const planned = plan(event, ruleset!)
    await kept.accept(event, { key: 'k', length: 0, sliding: false })
    await kept.plan(event.id, planned)
    await kept.step(event.id, '0.0', { state: 'success' })
    await kept.step(event.id, '0.2', { state: 'started' })
    const { told, settled } = await start(rule(step('test:again')), [once, again], { journal: kept })
    await settled()
    expect([ran, told()]).toEqual([['again'], ['test:again success', 'test:once interrupted']])
  })
})

describe('a journal that takes nothing for a while', () => {
  it('is waited for: what was done is told and noted once, and nothing is done again', async () => {
    const journal = memoryJournal({ maxEvents: 10, now: () => 0 })
    let full = true
    const when =
      <A extends unknown[]>(write: (...args: A) => Promise<void>) =>
      async (...args: A) => {
        if (full) throw new Error('no space left on the disk')
        return write(...args)
      }
    const ran: string[] = []
    const once = act('test:once', () => void ran.push('once'), { repeatable: false })
    const { talon, told, settled } = await start(rule(step('test:once')), [once], {
      journal: {
        ...journal,
        plan: when((...given) => journal.plan(...given)),
        step: when((...given) => journal.step(...given)),
        finish: when((...given) => journal.finish(...given)),
      },
    })
    await talon.handle(body())
    await sleep(50)
    expect(ran).toEqual([])
    full = false
    await settled()
    expect([ran, told(), journal.stats().failed]).toEqual([['once'], ['test:once success'], 0])
  })
})

describe('what another process takes over', () => {
  it('is left as it is: no further step begins, and what is under way ends untold', async () => {
    const journal = memoryJournal({ maxEvents: 10, now: () => 0 })
    const passed = new AbortController()
    const released: string[] = []
    async function* work(): ReturnType<typeof journal.work> {
      for await (const { entry } of journal.work())
        yield {
          entry,
          tenure: {
            signal: passed.signal,
            valid: () => !entry.event.fields['late'],
            release: () => void released.push(entry.event.uuid),
          },
        }
    }
    const ran: string[] = []
    const hang = act('test:hang', undefined, {
      run: ({ signal }: { signal: AbortSignal }) => {
        ran.push('hang')
        return sleep(60_000, undefined, { signal })
      },
    })
    const { talon, told } = await start(rule(step('test:hang')), [hang], { journal: { ...journal, work } })
    await talon.handle(body())
    await talon.handle(body({ uuid: '2' }, { late: 'yes' }))
    while (!ran.length) await sleep(1)
    passed.abort(new Error('passed'))
    await sleep(20)
    expect([ran, told(), journal.stats().waiting, released.toSorted()]).toEqual([['hang'], [], 2, ['', '2']])
    expect((await journal.list({ limit: 10 })).map(({ steps }) => steps)).toEqual([{}, {}])
  })
})

describe('work that comes late', () => {
  it('changes nothing any more, and still observes', async () => {
    const ran: string[] = []
    const change = act('test:change', () => void ran.push('change'))
    const watch = act('test:watch', () => void ran.push('watch'), { effect: 'observe' })
    const kept = memoryJournal({ maxEvents: 10, now: () => 0 })
    const old = decode(body(), { id: '1', received: Date.now() - 11 * 60_000, traceId: 'a'.repeat(32) })
    await kept.accept(old, { key: 'k', length: 0, sliding: false })
    const { reports, settled } = await start(rule(step('test:watch') + step('test:change')), [change, watch], {
      journal: kept,
    })
    await settled()
    expect(ran).toEqual(['watch'])
    expect(reports[1]).toMatchObject({
      status: 'ignored',
      message: expect.stringMatching(/^the event is 66\d s old: .*max_event_age/),
    })
  })
})

describe('reloading', () => {
  it('swaps the rules, and keeps the old ones where the new ones are wrong', async () => {
    const { talon, told, settled } = await start(rule(step('test:a')), [act('test:a'), act('test:b')])
    await expect(talon.reload([{ name: 'new.yaml', text: rule(step('test:typo')) }])).rejects.toThrow(
      /new\.yaml.*test:typo/,
    )
    await talon.handle(body())
    await settled()
    await talon.reload([{ name: 'new.yaml', text: rule(step('test:b')) }])
    await talon.handle(body({ output: 'another' }, { n: 2 }))
    await settled()
    expect(told()).toEqual(['test:a success', 'test:b success'])
  })
})

describe('stopping', () => {
  it('finishes what is under way, takes no more, and leaves in the journal what takes too long', async () => {
    const journal = memoryJournal({ maxEvents: 10, now: () => 0 })
    const left: string[] = []
    const close = async () => {
      for (const { event } of await journal.list({ limit: 10 })) left.push(event.rule)
      await journal.close()
    }
    const hang = act('test:hang', undefined, {
      run: ({ signal }: { signal: AbortSignal }) => sleep(60_000, undefined, { signal }),
    })
    const rules = rule(step('test:a')) + rule(step('test:hang')).replace('Answer', 'Hang').replace('[Shell]', '[Long]')
    const { talon, told } = await start(rules, [act('test:a', () => sleep(30)), hang], {
      journal: { ...journal, close },
      flags: { shutdown_timeout: 0.2 },
    })
    await talon.handle(body())
    await talon.handle(body({ rule: 'Long' }))
    await talon.stop()
    expect([told(), left]).toEqual([['test:a success'], ['Long']])
    expect((await talon.handle(body({ rule: 'Late' }))).verdict).toBe('full')
  })
})
