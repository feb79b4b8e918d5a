import type { Report } from '@talon/plugin'

/** Bytes: ValidateEventCreate of Kubernetes, NoteLengthLimit. */
const LIMIT = 1024
const SEPARATOR = '; '
const CUT = '…'

/** What an Event says, on one line of 1,024 bytes at most: what is long is cut, so that all of it has its place. */
export function noteOf(report: Report): string {
  const { status, stage, target, message, error, rule, action, actionner, dryRun, objects, event, output } = report
  const acted = Object.entries(objects).map(([name, value]) => `${name} ${value}`)
  const parts = [
    `${status}${dryRun ? ' (dry run)' : ''}: ${message}`,
    ...(error !== undefined && error !== message ? [`error: ${error}`] : []),
    `rule: ${rule}`,
    `action: ${action} (${actionner})`,
    ...(stage === 'output' && target !== undefined ? [`output to: ${target}`] : []),
    ...(acted.length ? [`objects: ${acted.join(', ')}`] : []),
    `event: ${event.output || event.rule}`,
    ...(output === undefined ? [] : [`output: ${output}`]),
    `trace: ${report.traceId}`,
  ].map(visible)
  const room = LIMIT - Buffer.byteLength(SEPARATOR) * (parts.length - 1)
  const share = fairShare(
    parts.map((part) => Buffer.byteLength(part)),
    room,
  )
  return parts.map((part) => cut(part, share)).join(SEPARATOR)
}

/** The most that each may take so that all fit into the room: what the short ones leave is for the long ones. */
function fairShare(sizes: readonly number[], room: number): number {
  let left = room
  for (const [at, size] of sizes.toSorted((one, other) => one - other).entries()) {
    const share = Math.floor(left / (sizes.length - at))
    if (size > share) return share
    left -= size
  }
  return room
}

/** The beginning of a text, in at most so many bytes of UTF-8, cut between two characters. */
export function cut(text: string, bytes: number): string {
  const whole = Buffer.from(text)
  if (whole.length <= bytes) return text
  let end = bytes - Buffer.byteLength(CUT)
  while (((whole[end] ?? 0) & 0xc0) === 0x80) end--
  return whole.subarray(0, end).toString() + CUT
}

/** On one line; what a terminal would obey, or what cannot be seen, is shown by its number. */
function visible(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\s\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/\p{C}/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
    .trim()
}
