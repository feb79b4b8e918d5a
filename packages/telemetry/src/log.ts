import type { Logger } from '@talon/plugin'
import winston from 'winston'
import Transport from 'winston-transport'
import { createMask, jsonLine, textLine, type Line } from './line.ts'
import { createSink, type LineTarget, type Sink } from './sink.ts'

export interface LoggerOptions {
  /** `color` is for a terminal, or where `FORCE_COLOR` asks for it; elsewhere, and where `NO_COLOR` says so, it is `text`. */
  readonly format: 'color' | 'text' | 'json'
  readonly level?: 'debug' | 'info' | 'warn' | 'error'
  /** Where lines go; standard output where missing. */
  readonly stream?: LineTarget & { readonly isTTY?: boolean }
  /** Values that are covered wherever they turn up, of six characters at least. */
  readonly secrets?: readonly string[]
  /** Where `FORCE_COLOR` and `NO_COLOR` are read from; that of the process where missing. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Where the engine, the server and plugins say what they do. */
export interface Log extends Logger {
  /** Hands over what waits for the end of this turn of the event loop; before the process is ended, for instance. */
  readonly flush: () => void
}

/**
 * The log of Talon: one line an entry, whatever it holds. A level that is off costs nothing. Lines of one turn of the
 * event loop are written together.
 */
export function createLogger(options: LoggerOptions): Log {
  const { format, level = 'info', stream = process.stdout, secrets = [], env = process.env } = options
  const color = format === 'color' && takesColor(stream, env)
  const write = format === 'json' ? jsonLine : (line: Line) => textLine(line, color)
  const mask = createMask(secrets)
  const finish = (level: string, message: string, facts?: object) =>
    mask(write({ time: time(), level, message, facts }))
  const time = clock()
  const sink = createSink(stream, (lines) => finish('warn', 'lines were dropped: nobody read them', { lines }))
  const logger = winston.createLogger({
    level,
    format: winston.format.printf(({ level, message, facts }) => finish(level, String(message), facts as object)),
    transports: [transportTo(sink)],
  })
  // The last words before a crash are the ones that count.
  if (stream === process.stdout) process.once('exit', sink.flush)

  const say = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, facts?: object) => {
    if (logger.isLevelEnabled(level)) logger.log({ level, message, facts })
  }
  return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error'), flush: sink.flush }
}

/** As Node.js reads both of them for itself. https://no-color.org */
function takesColor({ isTTY = false }: { readonly isTTY?: boolean }, env: NonNullable<LoggerOptions['env']>): boolean {
  const { FORCE_COLOR: forced, NO_COLOR: refused, TERM: terminal } = env
  if (forced !== undefined) return !['0', 'false'].includes(forced)
  return isTTY && !refused && terminal !== 'dumb'
}

/** RFC 3339 to the millisecond. Lines come by the dozen in one, and writing the same time again would cost as much as its facts. */
function clock(): () => string {
  let [at, text] = [0, '']
  return () => {
    const now = Date.now()
    if (now !== at) [at, text] = [now, new Date(now).toISOString()]
    return text
  }
}

/** Where winston's formats leave the line. */
const MESSAGE = Symbol.for('message')

function transportTo(sink: Sink): Transport {
  return new Transport({
    log(info: Record<symbol, string>, next: () => void) {
      sink.write(info[MESSAGE] ?? '')
      next()
    },
  })
}
