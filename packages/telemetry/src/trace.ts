import { AsyncLocalStorage } from 'node:async_hooks'
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace, type Context, type Span } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import { RandomIdGenerator, TracerProvider, type Sampler, type SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Observer, Stage, StageEvent } from '@talon/core'
import { resourceOf } from './resource.ts'
import { SCOPE } from './scope.ts'
import { LENGTH, outcomeAttributes, spanName, stageAttributes } from './span-attributes.ts'

export interface TracesOptions {
  /** Version of Talon. */
  readonly version?: string
  /** Whom the spans are about; Talon of this version where missing. */
  readonly resource?: Resource
  /** Where spans go when they are over. */
  readonly processors: readonly SpanProcessor[]
  /** Which traces are recorded: as the sender says, all where it says nothing. */
  readonly sampler?: Sampler
  /** Covers secrets in what a span says. */
  readonly mask?: (text: string) => string
  /** Epoch milliseconds with fractions, never set back: the clock that events are received by. */
  readonly now?: () => number
}

/** Traces of one engine. */
export interface Traces {
  /** One trace an event; a span for each of its stages. */
  readonly observer: Observer
  /** Hands over the spans that are over, and ends the processors. */
  readonly close: () => Promise<void>
}

/**
 * Makes the traces of an engine. The trace of an event has the id that the event bears, in logs and reports too: it
 * goes on where the sender began one. Nothing of OpenTelemetry's process-wide state is touched.
 */
export function createTraces(options: TracesOptions): Traces {
  const { version, processors, sampler, mask = (text) => text } = options
  const { now = () => performance.timeOrigin + performance.now() } = options
  /** The SDK asks for the id of a trace while a span without a parent starts. */
  let traceId = ''
  const random = new RandomIdGenerator()
  const provider = new TracerProvider({
    resource: options.resource ?? resourceOf(version),
    spanProcessors: [...processors],
    spanLimits: { attributeValueLengthLimit: LENGTH, attributeCountLimit: 64 },
    idGenerator: { generateTraceId: () => traceId, generateSpanId: () => random.generateSpanId() },
    ...(sampler && { sampler }),
  })
  const tracer = provider.getTracer(SCOPE, version)
  const running = new AsyncLocalStorage<Context>()
  /**
   * The span of each event that a rule matched: notifications are sent later, and from anywhere. The others, which may be
   * many, stay out: a garbage collection costs more the more there are.
   */
  const events = new WeakMap<StageEvent, Context>()

  /** A report that a restart found again has no event's span to hang on: it begins one of its own in the same trace. */
  function parentOf({ name, event }: Stage): Context {
    const around = name === 'event' ? undefined : name === 'notification' ? events.get(event) : running.getStore()
    if (name === 'match' && around) events.set(event, around)
    return around ?? senderOf(event)
  }

  function start(stage: Stage): { span: Span; context: Context } {
    const parent = parentOf(stage)
    ;({ traceId } = stage.event)
    const kind = stage.name === 'event' ? SpanKind.CONSUMER : SpanKind.INTERNAL
    const span = tracer.startSpan(spanName(stage), { kind, startTime: now() }, parent)
    if (span.isRecording()) span.setAttributes(stageAttributes(stage, now(), mask))
    return { span, context: trace.setSpan(parent, span) }
  }

  return {
    async observer(stage, next) {
      const { span, context } = start(stage)
      try {
        const outcome = await running.run(context, next)
        if (span.isRecording()) {
          span.setAttributes(outcomeAttributes(outcome, mask))
          if ('error' in outcome)
            span.setStatus({ code: SpanStatusCode.ERROR, message: mask(outcome.message).slice(0, LENGTH) })
        }
        return outcome
      } finally {
        span.end(now())
      }
    },
    close: () => provider.shutdown(),
  }
}

/** The sender's span, where it sent one. */
function senderOf({ traceId, parentSpanId, sampled }: StageEvent): Context {
  if (parentSpanId === undefined) return ROOT_CONTEXT
  const traceFlags = sampled === false ? TraceFlags.NONE : TraceFlags.SAMPLED
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: parentSpanId, traceFlags, isRemote: true })
}
