import type { Logger } from '@talon/plugin'
import winston from 'winston'

export interface LoggerOptions {
  /** `color` is for a terminal; elsewhere it is `text`. */
  readonly format: 'color' | 'text' | 'json'
  readonly level?: string
  /** Where lines go; standard output where missing. */
  readonly stream?: NodeJS.WritableStream & { readonly isTTY?: boolean }
}

/** Characters that steer a terminal or end a line: what comes in an event must not forge a line. */
// oxlint-disable-next-line no-control-regex -- these are the characters that it is about
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g
/** Names of facts that hold secrets, whoever logs them. */
const SECRET = /(password|secret|token|api_key|apikey|authorization|webhook_url|credential)/i
const MASK = '********'
/** Characters of one value at most. */
const MAX_VALUE = 4_096

const { combine, timestamp, printf } = winston.format

/** The log of Talon: one line an entry. */
export function createLogger({ format, level = 'info', stream = process.stdout }: LoggerOptions): Logger {
  const color = format === 'color' && stream.isTTY === true
  const write = format === 'json' ? jsonLine : (info: winston.Logform.TransformableInfo) => textLine(info, color)
  const logger = winston.createLogger({
    level,
    format: combine(timestamp(), printf(write)),
    transports: [new winston.transports.Stream({ stream })],
  })
  const say = (at: 'debug' | 'info' | 'warn' | 'error') => (message: string, facts?: object) => {
    logger.log({ level: at, message, facts })
  }
  return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
}

function jsonLine({ timestamp, level, message, facts }: winston.Logform.TransformableInfo): string {
  return JSON.stringify({ time: timestamp, level, message, ...masked(facts) })
}

const COLORS: Readonly<Record<string, string>> = {
  error: '\u001b[31m',
  warn: '\u001b[33m',
  info: '\u001b[32m',
  debug: '\u001b[90m',
}

function textLine({ timestamp, level, message, facts }: winston.Logform.TransformableInfo, color: boolean): string {
  const head = level.toUpperCase().padEnd(5)
  const shown = color ? `${COLORS[level] ?? ''}${head}\u001b[0m` : head
  const pairs = Object.entries(masked(facts)).map(([key, value]) => `${key}=${quote(value)}`)
  return [String(timestamp), shown, escape(String(message)), ...pairs].join(' ')
}

function masked(facts: unknown): Record<string, unknown> {
  if (typeof facts !== 'object' || facts === null) return {}
  const entries = Object.entries(facts).filter(([, value]) => value !== undefined && value !== '')
  return Object.fromEntries(entries.map(([key, value]) => [key, SECRET.test(key) ? MASK : bounded(value)]))
}

function bounded(value: unknown): unknown {
  return typeof value === 'string' && value.length > MAX_VALUE
    ? `${value.slice(0, MAX_VALUE)}… (${value.length} characters)`
    : value
}

function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return /^[\w./:@-]+$/.test(text) ? text : JSON.stringify(escape(text))
}

const escape = (text: string) =>
  text.replaceAll(CONTROL, (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`)
