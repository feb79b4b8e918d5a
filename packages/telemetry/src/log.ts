import type { Logger } from '@talon/plugin'
import winston from 'winston'
import Transport from 'winston-transport'
import { createMask, jsonLine, textLine, type Line } from './line.ts'
import { createSink, type LineTarget, type Sink } from './sink.ts'

export interface LoggerOptions {
  /** `color` is for a terminal; elsewhere it is `text`. */
  readonly format: 'color' | 'text' | 'json'
  readonly level?: 'debug' | 'info' | 'warn' | 'error'
  /** Where lines go; standard output where missing. */
  readonly stream?: LineTarget & { readonly isTTY?: boolean }
  /** Values that are covered wherever they turn up, of six characters at least. */
  readonly secrets?: readonly string[]
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
  const { format, level = 'info', stream = process.stdout, secrets = [] } = options
  const color = format === 'color' && stream.isTTY === true
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
