import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import autocannon from 'autocannon'

const TALON = join(import.meta.dirname, '../../apps/cli/bin/talon.mjs')
/** Senders: Falco has one a node, and each waits for its answer. */
const CONNECTIONS = 32

/** An event of two kilobytes, each with another name, so that none is a repeat. `[<id>]` is the load's own counter. */
export const EVENT = JSON.stringify({
  rule: 'Terminal shell in container',
  priority: 'Notice',
  source: 'syscall',
  hostname: 'node-1',
  tags: ['container', 'mitre_execution', 'shell'],
  time: '2026-01-01T00:00:00.000000001Z',
  output: `00:00:00.000000001: Notice A shell was spawned ${'x'.repeat(700)}`,
  output_fields: {
    'evt.time': 0,
    'k8s.pod.name': '[<id>]',
    'k8s.ns.name': 'default',
    'proc.cmdline': `sh -c ${'y'.repeat(600)}`,
    'proc.tty': 34817,
    ...Object.fromEntries(Array.from({ length: 15 }, (_, n) => [`proc.aname[${n}]`, `parent-${n}`])),
  },
}).replace('"evt.time":0', '"evt.time":1667319338184268801')

/** Posts events for some seconds, or so many, and gives how many a second were taken. */
export async function load(
  url: string,
  how: ({ readonly duration: number } | { readonly amount: number }) & { readonly connections?: number },
): Promise<number> {
  const began = performance.now()
  // autocannon itself looks at the clock once a second: too coarse where so many events take a few seconds.
  let ended = began
  const { non2xx, errors, requests } = await new Promise<autocannon.Result>((resolve, reject) => {
    const options: autocannon.Options = {
      url,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: EVENT,
      idReplacement: true,
      connections: CONNECTIONS,
      ...how,
    }
    autocannon(options, (error: Error | null, result) => (error ? reject(error) : resolve(result))).on(
      'response',
      () => (ended = performance.now()),
    )
  })
  if (non2xx || errors) throw new Error(`${non2xx} refusals and ${errors} errors from ${url}`)
  return 'duration' in how ? requests.average : (requests.total * 1000) / (ended - began)
}

/** The real server, as its own process. */
export function startTalon(
  config: string,
  rules: string,
  stdio: StdioOptions = ['ignore', 'ignore', 'inherit'],
): ChildProcess {
  return spawn(process.execPath, [TALON, 'server', '-c', config, '-r', rules], { stdio })
}

export async function end(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}
