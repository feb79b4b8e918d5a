import { failureOf, stageRunner, type Outcome, type Stage, type StageEvent } from '@talon/core'
import { ActionError, ConfigError, done } from '@talon/plugin'
import { describe, expect, it } from 'vitest'
import { createMetrics, type Metrics } from './metrics.ts'

const event = (fields: Record<string, string> = {}, over: Partial<StageEvent> = {}): StageEvent => ({
  id: '1',
  rule: 'Terminal shell',
  priority: 'Notice',
  source: 'syscall',
  output: 'the message',
  hostname: 'h',
  tags: [],
  received: 1_000_000,
  traceId: 't',
  fields: { 'k8s.ns.name': 'default', 'k8s.pod.name': 'web-0', ...fields },
  ...over,
})
const acted = { rule: 'Answer', action: 'Do it', actionner: 'kubernetes:label' }
const scope = 'otel_scope_name="github.com/Falco-Talon/falco-talon"'

/** What a page says: metrics with their type, and samples with their labels sorted. */
async function read(metrics: Metrics): Promise<{ types: Record<string, string>; samples: Record<string, number> }> {
  const types: Record<string, string> = {}
  const samples: Record<string, number> = {}
  for (const line of (await metrics.page()).split('\n').filter(Boolean)) {
    const [, name = '', type = ''] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? []
    if (name) types[name] = type
    if (line.startsWith('#')) continue
    const [, metric = '', labels = '', value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    if (!metric) throw new Error(`no sample: ${line}`)
    const sorted = (labels.match(/\w+="(?:[^"\\]|\\.)*"/g) ?? []).filter((label) => label !== scope).toSorted()
    const key = `${metric}{${sorted.join(',')}}`
    if (key in samples) throw new Error(`twice on the page: ${key}`)
    samples[key] = Number(value)
  }
  return { types, samples }
}

const only = (samples: Record<string, number>, prefix: string) =>
  Object.fromEntries(Object.entries(samples).filter(([key]) => key.startsWith(prefix)))

describe('the metrics', () => {
  it("have Falco Talon's names, labels and scope, and nothing besides", async () => {
    const metrics = createMetrics({ aliases: false })
    const run = stageRunner([metrics.observer])
    const stage = (more: Partial<Stage>) => run({ name: 'event', event: event(), ...more }, async () => done('ok'))
    await stage({})
    await stage({ name: 'match', rule: 'Answer' })
    await stage({ name: 'action', ...acted })
    await run({ name: 'action', event: event(), ...acted, dryRun: true }, () => Promise.reject(new ActionError('no')))
    await stage({ name: 'output', ...acted, target: 'local:file' })
    await stage({ name: 'notification', ...acted, notifier: 'slack' })
    metrics.refused('too_large')
    metrics.reloaded('failure')
    const { types, samples } = await read(metrics)
    const step = 'action="Do it",actionner="kubernetes:label"'
    const place = 'event="Terminal shell",namespace="default"'
    const counters = Object.fromEntries(Object.entries(samples).filter(([key]) => /^[a-z_]+_total\{/.test(key)))
    expect(counters).toEqual({
      'event_total{event="Terminal shell",priority="Notice",source="syscall"}': 1,
      'match_total{event="Terminal shell",priority="Notice",rule="Answer",source="syscall"}': 1,
      [`action_total{${step},${place},pod="web-0",rule="Answer",status="success"}`]: 1,
      [`action_total{${step},dry_run="true",${place},pod="web-0",rule="Answer",status="failure"}`]: 1,
      [`output_total{${step},${place},pod="web-0",rule="Answer",status="success",target="local:file"}`]: 1,
      [`notification_total{${step},${place},notifier="slack",pod="web-0",rule="Answer",status="success"}`]: 1,
      'refused_request_total{reason="too_large"}': 1,
      'rules_reload_total{result="failure"}': 1,
    })
    expect(types).toMatchObject({ event_total: 'counter', reaction_seconds: 'histogram' })
    expect(await metrics.page()).toContain(scope)
  })

  it("go by the names of Falco Talon's last release too", async () => {
    const metrics = createMetrics()
    await metrics.observer({ name: 'match', event: event(), rule: 'Answer' }, async () => done('ok'))
    const { types, samples } = await read(metrics)
    const labels = '{event="Terminal shell",priority="Notice",rule="Answer",source="syscall"}'
    expect(only(samples, 'match_total')).toEqual({ [`match_total${labels}`]: 1 })
    expect(samples[`falcosecurity_falco_talon_matches_total${labels}`]).toBe(1)
    expect(types['falcosecurity_falco_talon_matches_total']).toBe('counter')
  })

  it('count an event as it comes, not when all is done', async () => {
    const metrics = createMetrics()
    await metrics.observer({ name: 'event', event: event() }, async () => {
      expect(Object.values(only((await read(metrics)).samples, 'event_total'))).toEqual([1])
      return done('ok')
    })
    expect(Object.values(only((await read(metrics)).samples, 'event_total'))).toEqual([1])
  })

  it.each([
    [{ 'k8s.pod.name': 'a', 'k8s.ns.name': 'b' }, {}, ['b', 'a']],
    [{ 'k8s.pod.name': 'a', 'k8s.ns.name': 'b' }, { pod: 'c', namespace: 'd' }, ['d', 'c']],
    [{ 'ka.target.name': 'a', 'ka.target.resource': 'pods', 'ka.target.namespace': 'b' }, {}, ['b', 'a']],
    [{ 'ka.target.name': 'a', 'ka.target.resource': 'secrets' }, {}, ['', '']],
  ])('name the pod that was acted on, else that of the event: %j %j', async (fields, objects, [namespace, pod]) => {
    const metrics = createMetrics({ aliases: false })
    await metrics.observer({ name: 'action', event: { ...event(), fields }, ...acted }, async () => done('', objects))
    expect(Object.keys(only((await read(metrics)).samples, 'action_total'))).toEqual([
      expect.stringContaining(`namespace="${namespace}",pod="${pod}"`),
    ])
  })

  it('time the reaction once an event, by its first live action, and each action', async () => {
    let clock = 1_000_040
    const metrics = createMetrics({ now: () => clock })
    const run = stageRunner([metrics.observer])
    const one = event()
    const act = (dryRun: boolean) =>
      run({ name: 'action', event: one, ...acted, dryRun }, async () => {
        clock += 20
        return done('ok')
      })
    await act(true)
    await act(false)
    await act(false)
    const { samples } = await read(metrics)
    expect(samples['reaction_seconds_count{}']).toBe(1)
    expect(samples['reaction_seconds_sum{}']).toBeCloseTo(0.08)
    expect([samples['reaction_seconds_bucket{le="0.05"}'], samples['reaction_seconds_bucket{le="0.1"}']]).toEqual([
      0, 1,
    ])
    const labels = '{actionner="kubernetes:label",status="success"}'
    expect(samples[`action_duration_seconds_count${labels}`]).toBe(3)
    expect(samples[`action_duration_seconds_sum${labels}`]).toBeCloseTo(0.06)
  })

  it('time how long actions waited, artifacts took and notifiers took', async () => {
    let clock = 1_000_000
    const metrics = createMetrics({ now: () => clock })
    const run = stageRunner([metrics.observer])
    const take = (stage: Omit<Stage, 'event'>) =>
      run({ event: event(), ...acted, ...stage }, async () => {
        clock += 30
        return done('ok')
      })
    await take({ name: 'action', waited: 2000 })
    await take({ name: 'output', target: 'aws:s3' })
    await take({ name: 'notification', notifier: 'slack' })
    const { samples } = await read(metrics)
    expect(samples['action_wait_seconds_sum{actionner="kubernetes:label"}']).toBe(2)
    expect(samples['output_duration_seconds_sum{status="success",target="aws:s3"}']).toBeCloseTo(0.03)
    expect(samples['notification_duration_seconds_sum{notifier="slack",status="success"}']).toBeCloseTo(0.03)
  })

  it('count how often notifiers were tried again, and why they were given up', async () => {
    const metrics = createMetrics()
    const run = stageRunner([metrics.observer])
    const tell = (more: Partial<Stage>, work: () => Promise<Outcome>) =>
      run({ name: 'notification', event: event(), ...acted, notifier: 'slack', ...more }, work)
    await tell({}, async () => ({ ...done('told'), retries: 2 }))
    await tell({}, async () => ({ ...failureOf(new ActionError('503', { retryable: true })), retries: 3 }))
    await tell({}, () => Promise.reject(new ActionError('404')))
    await tell({}, () => Promise.reject(new ConfigError('no url')))
    await tell({ dropped: true }, () => Promise.reject(new Error('no room')))
    const { samples } = await read(metrics)
    expect(only(samples, 'notification_retry_total')).toEqual({ 'notification_retry_total{notifier="slack"}': 5 })
    expect(only(samples, 'notification_failure_total')).toEqual(
      Object.fromEntries(
        ['configuration', 'dropped', 'refused', 'unavailable'].map((reason) => [
          `notification_failure_total{notifier="slack",reason="${reason}"}`,
          1,
        ]),
      ),
    )
    expect(samples['notification_duration_seconds_count{notifier="slack",status="failure"}']).toBe(3)
  })

  it('say what came of the last load of the rules, and when', async () => {
    let clock = 1_800_000_000_000
    const metrics = createMetrics({ now: () => clock })
    const last = async () => {
      const { samples } = await read(metrics)
      return [samples['rules_last_reload_successful{}'], samples['rules_last_reload_timestamp_seconds{}']]
    }
    expect(await last()).toEqual([1, 1_800_000_000])
    clock += 5_000
    metrics.reloaded('failure')
    expect(await last()).toEqual([0, 1_800_000_005])
  })

  it('stay bounded over many scrapes, whatever events hold, lose no count, and count what lost its labels', async () => {
    const metrics = createMetrics({ aliases: false, maxSeries: 100 })
    const run = stageRunner([metrics.observer])
    for (let n = 0; n < 10_000; n++) {
      const flood = event({ 'k8s.pod.name': `pod-${n}-${'x'.repeat(300)}` }, { rule: `rule ${n}` })
      await run({ name: 'event', event: flood }, async () => done('ok'))
      await run({ name: 'action', event: flood, ...acted }, async () => done('ok'))
      if (n % 1000 === 0) await metrics.page()
    }
    const { samples } = await read(metrics)
    for (const name of ['event_total', 'action_total']) {
      const series = only(samples, `${name}{`)
      expect(Object.keys(series)).toHaveLength(101)
      expect(Object.values(series).reduce((sum, value) => sum + value, 0)).toBe(10_000)
      expect(Math.max(...Object.keys(series).map((key) => key.length))).toBeLessThan(400)
      expect(samples[`series_overflow_total{metric="${name}"}`]).toBe(9_900)
    }
    const rest =
      'action_total{action="Do it",actionner="kubernetes:label",event="other",namespace="other",pod="other",rule="Answer",status="success"}'
    expect(samples[rest]).toBe(9_900)
  })

  it('cannot be forged by the names in an event', async () => {
    const metrics = createMetrics()
    const rule = 'x"} 1\nfake_total{a="b\\'
    await metrics.observer({ name: 'event', event: event({}, { rule }) }, async () => done('ok'))
    const { types, samples } = await read(metrics)
    expect(types).not.toHaveProperty('fake_total')
    expect(Object.keys(only(samples, 'event_total'))).toEqual([
      'event_total{event="x\\"} 1\\nfake_total{a=\\"b\\\\",priority="Notice",source="syscall"}',
    ])
  })

  it('read gauges when the page is asked for, and leave out what is not known yet', async () => {
    const metrics = createMetrics()
    let value: number | undefined
    metrics.gauges({ rules_loaded: { description: 'Rules', read: () => value } })
    expect((await read(metrics)).samples).not.toHaveProperty(['rules_loaded{}'])
    for (value of [1, 2]) expect((await read(metrics)).samples['rules_loaded{}']).toBe(value)
  })
})
