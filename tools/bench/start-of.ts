import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from './ports.ts'

/** Starts a Node.js program: milliseconds until its address answers with 2xx, and megabytes that it holds a second later. */
export async function startOf(args: readonly string[], url: string): Promise<{ start: number; size: number }> {
  const began = performance.now()
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const gone = once(child, 'exit')
  try {
    await until(() => ready(url), 2)
    const start = performance.now() - began
    await sleep(1000)
    return { start, size: residentMegabytes(child.pid ?? 0) }
  } finally {
    child.kill('SIGKILL')
    await gone
  }
}

async function ready(url: string): Promise<void> {
  const answer = await fetch(url)
  if (!answer.ok) throw new Error(`${url} answers ${answer.status}`)
}

/** Resident memory as the kernel counts it: `VmRSS` of proc(5), in kB there. */
function residentMegabytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}
