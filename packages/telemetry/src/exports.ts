import type { Meter } from '@opentelemetry/api'
import type { Logger } from '@talon/plugin'

/** Milliseconds between two lines about one signal. */
const QUIET = 60_000

export type Signal = 'traces' | 'metrics'

/** The part of an exporter that is watched. */
interface Exporter<T> {
  export(items: T, done: (result: { readonly code: number; readonly error?: Error }) => void): void
}

export interface ExportsOptions {
  readonly log: Logger
  /** Milliseconds of a clock that is never set back. */
  readonly now: () => number
}

/** Watches exports: each is counted, and failures are said once in a while, however many there are. */
export interface Exports {
  /** The same exporter, watched. */
  watch<T, E extends Exporter<T>>(signal: Signal, exporter: E & Exporter<T>): E
  /** From here on they are counted in this meter, too. */
  countIn(meter: Meter): void
}

export function watchExports({ log, now }: ExportsOptions): Exports {
  let count = (_signal: Signal, _result: 'success' | 'failure') => {}
  const failing = new Map<Signal, { saidAt: number; unsaid: number }>()

  function failed(signal: Signal, error: Error | undefined): void {
    const state = failing.get(signal) ?? { saidAt: -Infinity, unsaid: 0 }
    failing.set(signal, state)
    if (now() - state.saidAt < QUIET) {
      state.unsaid += 1
      return
    }
    log.warn(`${signal} could not be handed to the collector: what they held is lost, and all else goes on`, {
      error: error?.message ?? 'no reason given',
      ...(state.unsaid > 0 && { more: state.unsaid }),
    })
    state.saidAt = now()
    state.unsaid = 0
  }

  function succeeded(signal: Signal): void {
    if (failing.delete(signal)) log.info(`${signal} reach the collector again`)
  }

  return {
    watch(signal, exporter) {
      const hand = exporter.export.bind(exporter)
      exporter.export = (items, done) =>
        hand(items, (result) => {
          // ExportResultCode.SUCCESS
          if (result.code === 0) succeeded(signal)
          else failed(signal, result.error)
          count(signal, result.code === 0 ? 'success' : 'failure')
          done(result)
        })
      return exporter
    },
    countIn(meter) {
      const exported = meter.createCounter('telemetry_export', { description: 'Hand-overs to the OTLP collector' })
      count = (signal, result) => exported.add(1, { signal, result })
    },
  }
}
