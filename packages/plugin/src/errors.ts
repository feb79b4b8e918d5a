const BRAND = Symbol.for('talon.error')

/** Whose matter an error is: the operator's, the event's, the world's. */
export type ErrorKind = 'config' | 'event' | 'action'

/** Every error that Talon raises on purpose. Told apart by brand and `kind`, so two copies of this package may meet. */
export abstract class TalonError extends Error {
  abstract readonly kind: ErrorKind
  readonly [BRAND] = true

  static is(error: unknown): error is ConfigError | EventError | ActionError {
    return typeof error === 'object' && error !== null && BRAND in error
  }
}

/** One thing that an operator wrote wrong, or might not have meant. */
export interface Issue {
  readonly level: 'error' | 'warning'
  readonly message: string
  /** What was meant, perhaps. */
  readonly hint?: string
  readonly file?: string
  /** From 1. */
  readonly line?: number
  /** From 1, in characters. */
  readonly column?: number
  /** How many characters the issue is about. */
  readonly length?: number
  /** The line itself, without its end. */
  readonly source?: string
}

/** The operator wrote something wrong. Found before any event is handled. */
export class ConfigError extends TalonError {
  readonly kind = 'config'
  override readonly name = 'ConfigError'
  readonly issues: readonly Issue[]

  constructor(issues: readonly Issue[] | string) {
    const list: readonly Issue[] = typeof issues === 'string' ? [{ level: 'error', message: issues }] : issues
    super(
      list
        .map(({ file, line, column, message }) => {
          const place = [file, line, column].filter((part) => part !== undefined).join(':')
          return place ? `${place}: ${message}` : message
        })
        .join('\n'),
    )
    this.issues = list
  }
}

/** The event cannot be read, or lacks a field that the action needs. */
export class EventError extends TalonError {
  readonly kind = 'event'
  override readonly name = 'EventError'
}

/** The world refused: the cluster, the bucket, the chat. */
export class ActionError extends TalonError {
  readonly kind = 'action'
  override readonly name = 'ActionError'
  /** Whether trying again makes sense. Core tries again; a plugin never does. */
  readonly retryable: boolean
  /**
   * Whether the other side surely did nothing: a throttled call, a refused connection. Then even an action that may not
   * run twice is tried again.
   */
  readonly untouched: boolean
  /** How long the other side asks to wait, in milliseconds. */
  readonly retryAfter?: number
  /** What was printed before it failed, for people who look for the reason. Bounded by the plugin. */
  readonly output?: string

  constructor(
    message: string,
    options: { cause?: unknown; retryable?: boolean; untouched?: boolean; retryAfter?: number; output?: string } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.retryable = options.retryable ?? false
    this.untouched = options.untouched ?? false
    if (options.retryAfter !== undefined) this.retryAfter = options.retryAfter
    if (options.output !== undefined) this.output = options.output
  }
}

/** What was thrown, in words: anything may be. */
export const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))
