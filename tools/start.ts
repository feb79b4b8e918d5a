// `npm start`: without arguments the demo, with arguments the command line.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, relative } from 'node:path'
import process from 'node:process'

const args = process.argv.slice(2)
if (args.length === 0 || args[0] === '--once') {
  const { demo } = await import('./demo/main.ts')
  const stays = args.length === 0 && process.stdout.isTTY
  process.exitCode = await demo({ once: !stays })
  if (!stays && args.length === 0)
    console.log('\n  Not on a terminal, so this is the end; on one it stays up, for events of yours.')
} else {
  const talon = join(import.meta.dirname, '../apps/cli/bin/talon.mjs')
  const child = spawn(process.execPath, [relative(process.cwd(), talon), ...args], { stdio: 'inherit' })
  // The signals of a terminal reach the child as well; those of others are passed on.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => void (signal === 'SIGINT' || child.kill(signal)))
  const [code] = (await once(child, 'exit')) as [number | null]
  process.exitCode = code ?? 1
}
