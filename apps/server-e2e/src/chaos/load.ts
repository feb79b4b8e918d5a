import { setTimeout as sleep } from 'node:timers/promises'
import { falcoEvent } from '../events.ts'
import type { World } from './world.ts'

/** Posts events at a rate, one mark each, and remembers which were answered with 2xx: those are promised. */
export interface Load {
  readonly answered: readonly string[]
  readonly sent: number
  /** Sends no more. Resolves once every answer is there, or its connection is gone. */
  stop(): Promise<void>
}

/** Milliseconds that Falco waits for its answer. */
const PATIENCE = 2000

/** @param urls where to send, in turn */
export function startLoad(urls: () => readonly string[], rate: number): Load {
  const answered: string[] = []
  const under = new Set<Promise<void>>()
  let sent = 0
  const ended = new AbortController()

  async function send(url: string, mark: string): Promise<void> {
    const body = JSON.stringify(falcoEvent('Chaos', { mark }, { priority: mark.endsWith('7') ? 'Critical' : 'Notice' }))
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(url, { method: 'POST', body, headers, signal: AbortSignal.timeout(PATIENCE) }).catch(
      () => undefined,
    )
    await answer?.arrayBuffer().catch(() => {})
    if (answer?.ok) answered.push(mark)
  }

  const running = (async () => {
    while (!ended.signal.aborted) {
      const at = urls()
      const url = at[sent % Math.max(1, at.length)]
      if (url) {
        const one = send(url, String(sent++)).finally(() => under.delete(one))
        under.add(one)
      }
      await sleep(1000 / rate)
    }
  })()

  return {
    answered,
    get sent() {
      return sent
    },
    async stop() {
      ended.abort()
      await running
      await Promise.allSettled(under)
    },
  }
}

/** What was promised, beside what came of it. All three are to be empty. */
export function verdictOf(marks: readonly string[], world: World) {
  return {
    lost: marks.filter((mark) => world.count('again', mark) === 0),
    twice: marks.filter((mark) => world.count('once', mark) > 1),
    untold: marks
      .filter((mark) => world.count('once', mark) === 0 && !world.interrupted.has(mark))
      .map((mark) => `${mark} ${world.failed.get(mark) ?? ''}`.trim()),
  }
}

export const KEPT = { lost: [], twice: [], untold: [] }
