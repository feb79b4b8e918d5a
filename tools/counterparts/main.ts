// `node tools/counterparts/main.ts`: what the tests stand on, one at a time, for people.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { binary, type Binary } from '../cluster/binaries.ts'
import { selfSigned } from './certificate.ts'
import { startMailpit } from './mailpit.ts'
import { startOpenSearch } from './opensearch.ts'
import { startCollector } from './otelcol.ts'
import { startSlackReceiver } from './slack-receiver.ts'
import { startVersitygw } from './versitygw.ts'
import { startVictoriaLogs } from './victoria-logs.ts'

/** Starts one; `folder` is its own, for certificates. What it gives is printed, as far as it is text or a number. */
type Start = (folder: string) => Promise<object & { close(): Promise<void> | void }>

/** By name; the others are plain programs, which `run` starts. */
const STARTS: Readonly<Record<string, Start>> = {
  versitygw: () => startVersitygw({ buckets: ['evidence'] }),
  mailpit: () => startMailpit(),
  'victoria-logs': (folder) => startVictoriaLogs({ tls: selfSigned(folder) }),
  opensearch: (folder) => startOpenSearch({ tls: selfSigned(folder) }),
  otelcol: () => startCollector(),
  'slack-receiver': () => startSlackReceiver(),
}

const usage = `usage: node tools/counterparts/main.ts start ${Object.keys(STARTS).join('|')}
       node tools/counterparts/main.ts run nats-server|fake-gcs-server|ec2-metadata-mock|helm [ARGUMENT ...]

start keeps one until Ctrl-C, and prints where it is and who may ask it. run builds a program that is written in Go, where the cache has none,
and runs it with the arguments.
`

async function start(begin: Start): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'talon-counterpart-'))
  const counterpart = await begin(folder)
  const told = Object.entries(counterpart).filter(([, value]) => ['string', 'number'].includes(typeof value))
  console.log(JSON.stringify(Object.fromEntries(told), null, 2))
  await Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)))
  await counterpart.close()
  rmSync(folder, { recursive: true, force: true })
  return 0
}

async function run(name: string, args: readonly string[]): Promise<number> {
  const child = spawn(await binary(name as Binary), args, { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => void (signal === 'SIGTERM' && child.kill(signal)))
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}

const [command, name = '', ...args] = process.argv.slice(2)
const begin = STARTS[name]
if (command === 'start' && begin) process.exitCode = await start(begin)
else if (command === 'run' && name) process.exitCode = await run(name, args)
else {
  process.stderr.write(usage)
  process.exitCode = 2
}
