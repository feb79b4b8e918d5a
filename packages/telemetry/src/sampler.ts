import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  type Sampler,
} from '@opentelemetry/sdk-trace'
import type { Logger } from '@talon/plugin'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Which traces are recorded, as `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` say; without them all, but those
 * that the sender does not record.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#general-sdk-configuration
 */
export function samplerOf(env: Environment, log: Logger): Sampler {
  const name = env['OTEL_TRACES_SAMPLER']?.trim().toLowerCase() || 'parentbased_always_on'
  const [, parent, own = ''] = /^(parentbased_)?(.*)$/.exec(name) ?? []
  const known: Readonly<Record<string, () => Sampler>> = { always_on: always, always_off: never, traceidratio: share }
  const sampler = known[own]?.()
  if (!sampler) {
    log.warn('OTEL_TRACES_SAMPLER names no sampler that Talon has: all traces are recorded', {
      sampler: name,
      known: 'always_on, always_off, traceidratio, and each with parentbased_ before it',
    })
    return new ParentBasedSampler({ root: new AlwaysOnSampler() })
  }
  return parent ? new ParentBasedSampler({ root: sampler }) : sampler

  function share(): Sampler {
    const written = env['OTEL_TRACES_SAMPLER_ARG']?.trim() || '1'
    const ratio = Number(written)
    if (ratio >= 0 && ratio <= 1) return new TraceIdRatioBasedSampler(ratio)
    log.warn('OTEL_TRACES_SAMPLER_ARG is no share from 0 to 1: all traces are recorded', { share: written })
    return new AlwaysOnSampler()
  }
}

const always = () => new AlwaysOnSampler()
const never = () => new AlwaysOffSampler()
