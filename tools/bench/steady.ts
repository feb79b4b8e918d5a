import { Agent, request } from 'node:http'
import { createHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { EVENT } from './load.ts'

/** Senders at most: Falco has one a node, and each waits for its answer. */
const CONNECTIONS = 100

/**
 * Posts so many events a second for so many seconds, evenly, and gives the milliseconds that 99 of 100 answers took at
 * most. Each counts from when it was due: one that had to wait for its turn to be sent is late, too. (autocannon sends
 * what belongs to a second at the second's beginning, as fast as it can.)
 */
export async function answers(url: string, rate: number, duration: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const times = createHistogram()
  const posted: Promise<void>[] = []
  const began = performance.now()
  for (let n = 0; n < rate * duration; n++) {
    const due = began + (n * 1000) / rate
    const early = due - performance.now()
    if (early > 0) await sleep(early)
    const body = EVENT.replace('[<id>]', `steady-${began}-${n}`)
    posted.push(
      post(url, agent, body).then(() => times.record(Math.max(1, Math.round((performance.now() - due) * 1e6)))),
    )
  }
  try {
    await Promise.all(posted)
  } finally {
    agent.destroy()
  }
  return times.percentile(99) / 1e6
}

function post(url: string, agent: Agent, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    request(url, { method: 'POST', agent, headers }, (answer) => {
      const { statusCode = 0 } = answer
      if (statusCode < 300) answer.resume().once('end', resolve).once('error', reject)
      else reject(new Error(`${url} answers ${statusCode}`))
    })
      .once('error', reject)
      .end(body)
  })
}
