import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { KeptEntry } from '@talon/core'
import { openStand } from './stand.fixture.ts'

const ROUNDS = 5

it('keeps each promise across a kill in the midst of load, at any moment', async () => {
  const stand = await openStand({ maxEvents: 100_000, now: Date.now, monotonic: () => performance.now() })
  try {
    for (let round = 0; round < ROUNDS; round++) {
      await stand.journal.close()
      const promised = await loadAndKill(stand.path, round * 1_000_000)
      await stand.restart()
      expect(promised.length).toBeGreaterThan(0)
      const told = new Set<string>()
      for await (const { report } of stand.journal.letters()) told.add(report.id)
      const broken: string[] = []
      for (const [what, id] of promised) {
        const entry = await stand.journal.show(id)
        if (!entry || !KEPT[what]?.(entry, told)) broken.push(`${what} ${id}`)
      }
      expect(broken).toEqual([])
    }
  } finally {
    await stand.close()
  }
})

/** What each promise says of the entry afterwards. */
const KEPT: Record<string, (entry: KeptEntry, told: ReadonlySet<string>) => boolean> = {
  accepted: ({ event }) => event.rule === 'x',
  planned: ({ event, plan }) => plan?.rulesHash === event.id,
  told: ({ event, steps }, told) => steps['0.0']?.state === 'success' && told.has(event.id),
  finished: ({ event, state }) => state === (Number(event.id) % 2 ? 'failed' : 'done'),
}

async function loadAndKill(path: string, first: number): Promise<[what: string, id: string][]> {
  const load = join(import.meta.dirname, 'load.fixture.ts')
  // From the package's source, as this test runs.
  const child = spawn(process.execPath, ['--conditions=@talon/source', load, path, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  const gone = once(child, 'close')
  const enough = 200 + Math.random() * 3000
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString()
    if (printed.length > enough * 10) child.kill('SIGKILL')
  })
  await gone
  const lines = printed.slice(0, printed.lastIndexOf('\n')).split('\n')
  return lines.map((line) => line.split(' ') as [string, string])
}
