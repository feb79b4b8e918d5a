import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../counterparts/free-port.ts'
import { ROOT } from './pages.ts'
import { startShop } from './shop.ts'

export interface Ran {
  readonly status: number
  /** What it printed, on both outputs. */
  readonly output: string
}

/** A reader's terminals: an empty folder, the cluster of the guide, and `npx talon`, without a network. */
export interface Terminal {
  /** Runs a block to its end. Folder and variables are kept for the next. */
  run(script: string): Promise<Ran>
  /** Runs one that stays, in a terminal of its own, until the next one or the end; settles when its port is open. */
  keep(script: string): Promise<void>
  /** What the one that stays has printed so far. */
  printed(): string
  close(): Promise<void>
}

/** Ports that pages name; each becomes a free one. */
const PORTS = [2803, 9000]
/** Milliseconds that a slow machine may need. */
const PATIENCE = 120_000

export async function openTerminal(): Promise<Terminal> {
  const home = mkdtempSync(join(tmpdir(), 'talon-guide-'))
  const [bin, work] = [join(home, 'bin'), join(home, 'work')]
  for (const folder of [bin, work]) mkdirSync(folder)
  writeFileSync(join(home, 'variables'), `cd ${work}\n`)
  writeFileSync(join(bin, 'npx'), NPX)
  chmodSync(join(bin, 'npx'), 0o755)
  const shop = await startShop()
  const ports = await Promise.all(PORTS.map(async (port) => [port, await freePort()] as const))
  const env = {
    PATH: `${bin}:${process.env['PATH']}`,
    HOME: home,
    XDG_STATE_HOME: join(home, 'state'),
    KUBECONFIG: shop.writeKubeconfig(join(home, 'kubeconfig')),
    LISTEN_PORT: String(ports[0]?.[1]),
    LISTEN_ADDRESS: '127.0.0.1',
    NO_COLOR: '1',
    TALON: join(ROOT, 'apps/cli/bin/talon.mjs'),
  }
  const moved = (script: string) =>
    ports.reduce((text, [from, to]) => text.replaceAll(new RegExp(String.raw`\b${from}\b`, 'g'), String(to)), script)
  const asNamed = (output: string) => ports.reduce((text, [from, to]) => text.replaceAll(`:${to}`, `:${from}`), output)
  const start = (script: string, detached: boolean) => {
    const whole = `set -eua; . ${home}/variables\n${moved(script)}\n${detached ? '' : KEEP.replaceAll('HOME_', home)}`
    const child = spawn('bash', ['-c', whole], { env, detached, stdio: ['ignore', 'pipe', 'pipe'] })
    const seen = { output: '' }
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (seen.output += chunk.toString()))
    return { child, seen, closed: once(child, 'close').then(([code]) => Number(code)) }
  }

  let staying: ReturnType<typeof start> | undefined
  async function end(): Promise<void> {
    if (staying?.child.exitCode === null) process.kill(-Number(staying.child.pid), 'SIGTERM')
    await staying?.closed
  }

  return {
    async run(script) {
      const { seen, closed } = start(script, false)
      return { status: await closed, output: asNamed(seen.output) }
    },
    async keep(script) {
      await end()
      const port = ports[/talon server/.test(script) ? 0 : 1]?.[1] ?? 0
      staying = start(script, true)
      for (const began = Date.now(); !(await isOpen(port)); await sleep(50)) {
        if (staying.child.exitCode !== null) throw new Error(`it ended by itself:\n${staying.seen.output}`)
        if (Date.now() - began > PATIENCE) throw new Error(`it does not listen:\n${staying.seen.output}`)
      }
    },
    printed: () => asNamed(staying?.seen.output ?? ''),
    async close() {
      await end()
      await shop.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** Stands for npx with `@talon/cli` installed; nothing is fetched. */
const NPX = `#!/bin/sh
[ "$1" = talon ] || { echo "npx $1 is not to be had in tests of the guide" >&2; exit 127; }
shift
exec node "$TALON" "$@"
`

/** What a reader's terminal would keep; `set -a` has all variables among those that are exported. */
const KEEP = `{ export -p; printf 'cd %q\\n' "$PWD"; } > HOME_/variables`

/** Whether somebody listens there. */
function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  return new Promise<boolean>((resolve) => {
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
  }).finally(() => socket.destroy())
}
