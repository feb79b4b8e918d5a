import type { Field, ReportedEvent } from '@talon/plugin'

/** A field of the event; undefined where it is absent, or does not look as it must. */
export function read<T>({ fields }: ReportedEvent, { from, when = {}, schema }: Field<T>): T | undefined {
  const counts = (name: string) =>
    fields[name] !== undefined && Object.entries(when[name] ?? {}).every(([other, value]) => fields[other] === value)
  const name = from.find(counts)
  return name === undefined ? undefined : schema.safeParse(fields[name]).data
}
