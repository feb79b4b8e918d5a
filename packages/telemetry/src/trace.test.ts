import { SpanStatusCode } from '@opentelemetry/api'
import { InMemorySpanExporter, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace'
import { stageRunner, type RunStage, type Stage, type StageEvent } from '@talon/core'
import { ActionError, done } from '@talon/plugin'
import { describe, expect, it } from 'vitest'
import { createMask } from './line.ts'
import { samplerOf } from './sampler.ts'
import { createTraces } from './trace.ts'

const event = (over: Partial<StageEvent> = {}): StageEvent => ({
  id: 'e1',
  rule: 'Terminal shell',
  priority: 'Notice',
  source: 'syscall',
  output: 'A shell was spawned',
  hostname: 'node-1',
  tags: ['shell'],
  received: 1_000_000,
  traceId: 'a'.repeat(32),
  fields: { 'proc.env': 'PASSWORD=hunter2' },
  ...over,
})
const acted = { rule: 'Answer', action: 'Do it', actionner: 'kubernetes:label', dryRun: false }
const silent = { debug() {}, info() {}, warn() {}, error() {} }

function stand(env: Record<string, string> = {}, secrets: string[] = []) {
  const exporter = new InMemorySpanExporter()
  const traces = createTraces({
    processors: [new SimpleSpanProcessor({ exporter })],
    sampler: samplerOf(env, silent),
    mask: createMask(secrets),
    now: () => 1_000_500,
  })
  const spans = () => exporter.getFinishedSpans()
  const span = (name: string): ReadableSpan => {
    const found = spans().find((span) => span.name === name)
    if (!found)
      throw new Error(
        `no span ${name} among ${spans()
          .map((span) => span.name)
          .join(', ')}`,
      )
    return found
  }
  return { run: stageRunner([traces.observer]), spans, span }
}

const later = () => new Promise((resolve) => setTimeout(resolve, 1))

/** An event's whole way, with its notification told after its end. */
async function respond(run: RunStage, one: StageEvent): Promise<void> {
  const stage = (name: Stage['name'], more: Partial<Stage> = {}) => ({ name, event: one, ...acted, ...more })
  await run({ name: 'event', event: one }, async () => {
    await run({ name: 'match', event: one, rule: 'Answer' }, async () => done('matched'))
    await later()
    await run(stage('action', { waited: 40 }), async () => {
      await run(stage('checks'), async () => done('it may'))
      await later()
      await run(stage('context', { context: 'aws' }), async () => done('read'))
      return done('labelled', { pod: 'web-0' })
    })
    await run(stage('output', { target: 'aws:s3' }), async () => done('stored'))
    return done('1 rule matches')
  })
  await run(stage('notification', { notifier: 'slack' }), async () => ({ ...done('told'), retries: 2 }))
}

describe('the trace of an event', () => {
  it('has a span for each stage, which hang together also where work goes on side by side', async () => {
    const { run, spans } = stand()
    const events = ['a', 'b', 'c'].map((id) => event({ id, traceId: id.repeat(32) }))
    await Promise.all(events.map((one) => respond(run, one)))
    for (const { traceId } of events) {
      const mine = spans().filter((span) => span.spanContext().traceId === traceId)
      const nameOf = new Map(mine.map((span) => [span.spanContext().spanId, span.name]))
      const tree = mine.map((span) => [span.name, nameOf.get(span.parentSpanContext?.spanId ?? '')])
      expect(Object.fromEntries(tree)).toEqual({
        event: undefined,
        match: 'event',
        'action kubernetes:label': 'event',
        checks: 'action kubernetes:label',
        'context aws': 'action kubernetes:label',
        'output aws:s3': 'event',
        'notification slack': 'event',
      })
    }
  })

  it("goes on where the sender's span is", async () => {
    const { run, span } = stand()
    await respond(run, event({ parentSpanId: '1234567890abcdef' }))
    expect(span('event').parentSpanContext).toMatchObject({ spanId: '1234567890abcdef', isRemote: true })
    expect(span('event').spanContext().traceId).toBe('a'.repeat(32))
  })

  it('says what it is about, and nothing of fields and results', async () => {
    const { run, spans, span } = stand()
    await respond(run, event())
    expect(span('event').attributes).toMatchObject({
      'falco.rule': 'Terminal shell',
      'falco.output': 'A shell was spawned',
      'falco.tags': ['shell'],
      'talon.age_ms': 500,
      'talon.status': 'success',
    })
    expect(span('action kubernetes:label').attributes).toMatchObject({
      'talon.rule': 'Answer',
      'talon.action': 'Do it',
      'talon.dry_run': false,
      'talon.waited_ms': 40,
      'talon.object.pod': 'web-0',
    })
    expect(span('notification slack').attributes['talon.retries']).toBe(2)
    expect(JSON.stringify(spans().map(({ attributes }) => attributes))).not.toContain('hunter2')
  })

  it('tells failures, without secrets and not at length', async () => {
    const { run, span } = stand({}, ['hunter2-hunter2'])
    const message = `no answer from https://x/hunter2-hunter2 ${'!'.repeat(5000)}`
    const output = 'x'.repeat(5000)
    await run({ name: 'event', event: event({ output }) }, async () => done(''))
    await run({ name: 'action', event: event(), ...acted }, () => Promise.reject(new ActionError(message)))
    const { status, attributes } = span('action kubernetes:label')
    expect(status.code).toBe(SpanStatusCode.ERROR)
    expect(status.message).toMatch(/^no answer from https:\/\/x\/\*{8} !+$/)
    expect(attributes).toMatchObject({ 'talon.status': 'failure', 'error.type': 'action' })
    expect(JSON.stringify([status, attributes])).not.toContain('hunter2')
    expect([status.message, span('event').attributes['falco.output']].map((text) => String(text).length)).toEqual([
      1024, 1024,
    ])
  })

  it.each([
    [{}, true, true],
    [{}, false, false],
    [{ OTEL_TRACES_SAMPLER: 'always_on' }, false, true],
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, true, false],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, true, false],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, true, true],
    [{ OTEL_TRACES_SAMPLER: 'nonsense' }, true, true],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '7' }, true, true],
  ])('is recorded as %j says, of a trace that the sender records: %j', async (env, sampled, recorded) => {
    const { run, spans } = stand(env)
    await respond(run, event({ parentSpanId: '1234567890abcdef', ...(!sampled && { sampled: false as const }) }))
    expect(spans()).toHaveLength(recorded ? 7 : 0)
  })

  it('holds reports that a restart found again, in the same trace', async () => {
    const { run, span } = stand()
    await run({ name: 'notification', event: event(), ...acted, notifier: 'slack' }, async () => done('told'))
    expect(span('notification slack').spanContext().traceId).toBe('a'.repeat(32))
  })
})
