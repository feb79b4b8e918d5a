import { stageRunner, type Observer, type Stage, type StageEvent } from '@talon/core'
import { done } from '@talon/plugin'
import { createMetrics } from '@talon/telemetry'
import { median, type Row } from './row.ts'

const ROUNDS = 9
const EVENTS = 10_000
const ACTED = { rule: 'Answer', action: 'Label it', actionner: 'kubernetes:label', notifier: 'slack', waited: 1 }

const event = (n: number): StageEvent => ({
  id: String(n),
  rule: 'Terminal shell in container',
  priority: 'Notice',
  source: 'syscall',
  output: '',
  hostname: 'node-1',
  tags: [],
  received: performance.timeOrigin + performance.now(),
  traceId: '',
  fields: { 'k8s.ns.name': 'default', 'k8s.pod.name': `web-${n}` },
})

/** Microseconds of an event that a rule matches, with an action and a notification, each about another pod. */
async function respond(observers: readonly Observer[]): Promise<number> {
  const run = stageRunner(observers)
  const began = performance.now()
  for (let n = 0; n < EVENTS; n++) {
    const stage = (name: Stage['name']) => ({ name, event: one, ...ACTED })
    const one = event(n)
    await run({ name: 'event', event: one }, async () => {
      for (const name of ['match', 'action', 'notification'] as const) await run(stage(name), async () => done('ok'))
      return done('ok')
    })
  }
  return ((performance.now() - began) * 1000) / EVENTS
}

/** What it costs to count and time the stages of an event, and to write the page, where pods are ten thousand. */
export async function counting(): Promise<Row[]> {
  const metrics = createMetrics()
  const rounds: { bare: number; counted: number; page: number }[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const bare = await respond([])
    const counted = await respond([metrics.observer])
    const began = performance.now()
    await metrics.page()
    rounds.push({ bare, counted, page: performance.now() - began })
  }
  const [, ...warm] = rounds
  const of = (name: 'bare' | 'counted' | 'page') => median(warm.map((round) => round[name]))
  const series = (await metrics.page()).split('\n').filter((line) => line && !line.startsWith('#')).length
  return [
    {
      what: `counting and timing an event with one action and one notification, ${EVENTS} pods`,
      measured: `${of('counted').toFixed(1)} µs`,
      baseline: `the same stages, nobody watching: ${of('bare').toFixed(1)} µs`,
      result: `${(of('counted') - of('bare')).toFixed(1)} µs more`,
      aim: '',
      met: undefined,
    },
    {
      what: `writing the page of metrics after ${EVENTS * (ROUNDS + 1)} events about ${EVENTS} pods`,
      measured: `${of('page').toFixed(0)} ms`,
      baseline: '',
      result: `${series} series`,
      aim: '',
      met: undefined,
    },
  ]
}
