import type { Meter } from '@opentelemetry/api'
import type { Logger } from '@talon/plugin'

/** Milliseconds between two lines about one signal. */
const QUIET = 60_000
/** Milliseconds after a failure in which nothing is even put into a message: a lost collector costs nothing. */
const PAUSE = 5_000

/** ExportResultCode.FAILED of @opentelemetry/core. */
const FAILED = 1

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

/**
 * Watches exports: each is counted, and failures are said once in a while, however many there are. After one, there is a
 * pause.
 */
export interface Exports {
  /** The same exporter, watched. */
  watch<T, E extends Exporter<T>>(signal: Signal, exporter: E & Exporter<T>): E
  /** From here on they are counted in this meter, too. */
  countIn(meter: Meter): void
}

export function watchExports({ log, now }: ExportsOptions): Exports {
  let count = (_signal: Signal, _result: 'success' | 'failure') => {}

  return {
    watch(signal, exporter) {
      const hand = exporter.export.bind(exporter)
      let [pausedUntil, quietUntil, unsaid] = [-Infinity, -Infinity, 0]
      let told = false
      let reason = 'no reason given'

      function failed(): void {
        count(signal, 'failure')
        unsaid += 1
        if (now() < quietUntil) return
        log.warn(`${signal} could not be handed to the collector: what they held is lost, and all else goes on`, {
          error: reason,
          ...(unsaid > 1 && { times: unsaid }),
        })
        ;[quietUntil, unsaid, told] = [now() + QUIET, 0, true]
      }

      exporter.export = (items, done) => {
        if (now() < pausedUntil) {
          failed()
          return done({ code: FAILED })
        }
        hand(items, (result) => {
          if (result.code === FAILED) {
            reason = result.error?.message ?? reason
            pausedUntil = now() + PAUSE
            failed()
          } else {
            count(signal, 'success')
            if (told) log.info(`${signal} reach the collector again`)
            told = false
          }
          done(result)
        })
      }
      return exporter
    },
    countIn(meter) {
      const exported = meter.createCounter('telemetry_export', { description: 'Hand-overs to the OTLP collector' })
      count = (signal, result) => exported.add(1, { signal, result })
    },
  }
}
