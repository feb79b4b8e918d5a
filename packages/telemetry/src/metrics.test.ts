import { stageRunner, type Stage, type StageEvent } from '@talon/core'
import { ActionError, done } from '@talon/plugin'
import { describe, expect, it } from 'vitest'
import { createMetrics } from './metrics.ts'

const event = (fields: Record<string, string> = {}, over: Partial<StageEvent> = {}): StageEvent => ({
  id: '1',
  rule: 'Terminal shell',
  priority: 'Notice',
  source: 'syscall',
  output: 'the message',
  hostname: 'h',
  tags: [],
  received: performance.timeOrigin + performance.now() - 3,
  traceId: 't',
  fields: { 'k8s.ns.name': 'default', 'k8s.pod.name': 'web-0', ...fields },
  ...over,
})
const acted = { rule: 'Answer', action: 'Do it', actionner: 'kubernetes:label' }

/** The page's samples, without comments and without the labels of the scope. */
async function samples(metrics: ReturnType<typeof createMetrics>): Promise<string[]> {
  const page = await metrics.page()
  return page
    .split('\n')
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => line.replace(/,?otel_scope_name="[^"]*"/, '').replace('{,', '{'))
}

describe('the metrics', () => {
  it("have Falco Talon's names, labels and scope", async () => {
    const metrics = createMetrics()
    const run = stageRunner([metrics.observer])
    const stage = (more: Partial<Stage>) => run({ name: 'event', event: event(), ...more }, async () => done('ok'))
    await stage({})
    await stage({ name: 'match', rule: 'Answer' })
    await stage({ name: 'action', ...acted })
    await run({ name: 'action', event: event(), ...acted, dryRun: true }, () => Promise.reject(new ActionError('no')))
    await stage({ name: 'output', ...acted, target: 'local:file' })
    await stage({ name: 'notification', ...acted, notifier: 'slack' })
    metrics.refused('too_large')
    const lines = (await samples(metrics)).map((line) => line.replace(/ \d+$/, (value) => value))
    const place = 'namespace="default",pod="web-0"'
    const step = 'rule="Answer",action="Do it",actionner="kubernetes:label"'
    expect(lines).toEqual(
      expect.arrayContaining([
        'event_total{event="Terminal shell",priority="Notice",source="syscall"} 1',
        'match_total{event="Terminal shell",priority="Notice",source="syscall",rule="Answer"} 1',
        `action_total{event="Terminal shell",${place},${step},status="success"} 1`,
        `action_total{event="Terminal shell",${place},${step},status="failure",dry_run="true"} 1`,
        `output_total{event="Terminal shell",${place},${step},status="success",target="local:file"} 1`,
        `notification_total{event="Terminal shell",${place},${step},status="success",notifier="slack"} 1`,
        'refused_request_total{reason="too_large"} 1',
      ]),
    )
    expect(await metrics.page()).toMatch(/^action_total\{.*otel_scope_name="github\.com\/Falco-Talon\/falco-talon"/m)
  })

  it('time the reaction once an event, and each action', async () => {
    const metrics = createMetrics()
    const run = stageRunner([metrics.observer])
    const one = event()
    for (let n = 0; n < 2; n++) await run({ name: 'action', event: one, ...acted }, async () => done('ok'))
    const lines = await samples(metrics)
    expect(lines).toContainEqual(expect.stringMatching(/^reaction_seconds_count(\{\})? 1$/))
    expect(lines).toContainEqual('action_duration_seconds_count{actionner="kubernetes:label",status="success"} 2')
    const bucket = (le: string) =>
      Number(
        lines
          .find((line) => line.startsWith('reaction_seconds_bucket') && line.includes(`le="${le}"`))
          ?.split(' ')
          .at(-1),
      )
    expect([bucket('0.001'), bucket('10')]).toEqual([0, 1])
  })

  it('stay bounded, whatever an event holds: 10,000 pods are not 10,000 series, and the overflow is counted', async () => {
    const metrics = createMetrics()
    const run = stageRunner([metrics.observer])
    for (let n = 0; n < 10_000; n++) {
      const flood = event({ 'k8s.pod.name': `pod-${n}-${'x'.repeat(300)}` })
      await run({ name: 'action', event: flood, ...acted }, async () => done('ok'))
    }
    const series = (await samples(metrics)).filter((line) => line.startsWith('action_total'))
    expect(series.length).toBeLessThanOrEqual(2_000)
    const total = series.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
    expect(total).toBe(10_000)
    expect(series.some((line) => line.includes('otel_metric_overflow="true"'))).toBe(true)
    expect(Math.max(...series.map((line) => line.length))).toBeLessThan(500)
  })

  it('read gauges when the page is asked for', async () => {
    const metrics = createMetrics()
    let value = 1
    metrics.gauges({ rules_loaded: { description: 'Rules', read: () => value } })
    expect(await samples(metrics)).toContainEqual(expect.stringMatching(/^rules_loaded(\{\})? 1$/))
    value = 2
    expect(await samples(metrics)).toContainEqual(expect.stringMatching(/^rules_loaded(\{\})? 2$/))
  })
})
