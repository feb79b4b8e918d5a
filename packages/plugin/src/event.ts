/** Falco's priorities, the least urgent first. https://falco.org/docs/concepts/rules/basic-elements/#priority */
export const PRIORITIES = [
  'Debug',
  'Informational',
  'Notice',
  'Warning',
  'Error',
  'Critical',
  'Alert',
  'Emergency',
] as const
/** One of `PRIORITIES`. */
export type Priority = (typeof PRIORITIES)[number]

/**
 * One event that Falco detected, read once at the door and frozen.
 *
 * Everything in it may have been chosen by an attacker: it is data, and never becomes code, a path or a label unchecked.
 */
export interface Event {
  /** Talon's own id of this receipt; two receipts of one Falco event have two. */
  readonly id: string
  /** Name of the Falco rule. */
  readonly rule: string
  readonly priority: Priority
  /** `syscall`, `k8s_audit`, `internal`, or a plugin's; other spellings of the first two are folded into them. */
  readonly source: string
  /** The message, without the leading time and priority. Empty where Falco was told to leave it out. */
  readonly output: string
  /** When it happened, as Falco wrote it: RFC 3339 with nanoseconds, or epoch nanoseconds. Empty where missing. */
  readonly time: string
  /** When it happened, in epoch milliseconds; the receipt where `time` is missing or unreadable. */
  readonly at: number
  /** When Talon received it, in epoch milliseconds with fractions. */
  readonly received: number
  readonly hostname: string
  readonly tags: readonly string[]
  /** Falcosidekick's id of the event, where it came through there. */
  readonly uuid: string
  /**
   * The text of each output field: strings as they are, numbers and nested values by their JSON text, so that no digit
   * is lost. A field that is null, empty or `<NA>` is absent.
   */
  readonly fields: Readonly<Record<string, string>>
  /** The body as it was received, for those who send it on. */
  readonly raw: string
  /** W3C trace id, continued from the sender where it sent one: 32 hexadecimal digits. */
  readonly traceId: string
  /** W3C span id of the sender, where it sent one: 16 hexadecimal digits. */
  readonly parentSpanId?: string
  /** False where the sender of the trace does not record it; absent where it does, or where there is no sender. */
  readonly sampled?: false
}

/** Falcosidekick cuts text of over 512 characters to 507 and this mark, where the JSON is over 4,096 bytes. */
const CUT_MARK = '[...]'
const CUT_LENGTH = 512

/** Whether Falcosidekick cut this value short: then it is no path and no name any more. */
export function isCut(value: string): boolean {
  return value.length === CUT_LENGTH && value.endsWith(CUT_MARK)
}
