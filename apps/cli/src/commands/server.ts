import { serve, type Running } from '@talon/server'
import type { GlobalOptions, Surroundings } from '../command.ts'
import { version } from '../version.ts'

/** Exit statuses of a program that a signal ended: 128 and its number. */
const STATUS = { SIGINT: 130, SIGTERM: 143 } as const
/** Milliseconds that a start may still take: one that takes longer waits for something outside, and has begun nothing. */
const PATIENCE = 2_000

/** Runs the server until it is told to stop: once to finish what it can, a second time to end at once. */
export async function server({ config, rules }: GlobalOptions, { exit }: Surroundings): Promise<number> {
  const stopping = new AbortController()
  let running: Running | undefined
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      if (stopping.signal.aborted) {
        running?.leave()
        exit(STATUS[name])
      }
      stopping.abort()
      if (!running) setTimeout(() => running ?? giveUp(STATUS[name]), PATIENCE).unref()
    })
  function giveUp(status: number): void {
    console.error('Talon ends before it has started: it was told to')
    exit(status)
  }
  const { signal } = stopping
  const started = await serve({ configPath: config, rulesPaths: rules, env: process.env, signal, version: version() })
  running = started
  process.on('SIGHUP', () => void started.reload().catch(() => {})) // the log says what is wrong
  // What a library throws behind its caller's back must not end the answers to other events.
  process.on('uncaughtException', (error) => started.log.error('an error that nobody caught', { stack: error.stack }))
  await started.stopped
  return 0
}
