import { EventError, isCut, type Event, type Field, type Needs } from '@talon/plugin'

/** Reads from an event what a plugin needs. @throws EventError that names the fields it looked for. */
export function readFields(event: Event, needs: Needs): Record<string, any> {
  return Object.fromEntries(Object.entries(needs).map(([key, field]) => [key, readField(event, field)]))
}

function readField(event: Event, { from, when, schema, optional }: Field<any>): unknown {
  const name = from.find((name) => name in event.fields && holds(event, when?.[name]))
  if (name === undefined) {
    if (optional) return undefined
    throw new EventError(`the event has none of the fields ${from.join(', ')}`)
  }
  const value = event.fields[name]!
  if (isCut(value))
    throw new EventError(`the field ${name} was cut short on its way: it is not used as a name or a path`)
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new EventError(`the field ${name} ${parsed.error.issues[0]?.message ?? 'is wrong'}`)
  return parsed.data
}

function holds(event: Event, wanted: Readonly<Record<string, string>> | undefined): boolean {
  return !wanted || Object.entries(wanted).every(([name, value]) => event.fields[name] === value)
}
