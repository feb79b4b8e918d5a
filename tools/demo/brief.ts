import { paint } from './print.ts'

const COLOURS = { INFO: 'green', WARN: 'yellow', ERROR: 'red' } as const
/** What a reader of the demo knows already, or finds in the server's own log. */
const LEFT_OUT =
  / (?:event|priority|source|action|objects)="(?:[^"\\]|\\.)*"| (?:priority|source|pod|namespace)=[^\s"]+/g

/** Lines of the server's log, short enough for a terminal: the time of the day, the level in its colour, and the facts that count. */
export function brief(line: string): string {
  const [, time, level, rest] = /^\d{4}-\d\d-\d\dT(\S+)Z (\w+) +(.*)$/.exec(line) ?? []
  if (time === undefined || level === undefined || rest === undefined) return line
  const shown = paint(Object.hasOwn(COLOURS, level) ? COLOURS[level as keyof typeof COLOURS] : 'dim', level.padEnd(5))
  const [word] = rest.split(' ', 1)
  // The line of an event is about nothing else.
  return `  ${paint('dim', time)} ${shown} ${word === 'event' ? rest : rest.replace(LEFT_OUT, '')}`
}
