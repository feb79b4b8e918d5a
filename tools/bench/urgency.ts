import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTalon, readConfig, type Observer } from '@talon/core'
import { defineActionner, definePlugin, done } from '@talon/plugin'
import { z } from 'zod'
import { median, type Bench } from './row.ts'

const SLEEPERS = 50
const EVENTS = 200

/** Sleeps as a slow API does, so that its place is taken. */
const sleeper = defineActionner({
  name: 'bench:sleep',
  summary: 'Sleeps',
  effect: 'change',
  repeatable: true,
  parameters: z.object({ seconds: z.number().describe('How long') }),
  examples: [{ title: 'Sleep', parameters: { seconds: 10 } }],
  async run({ parameters, signal }) {
    await sleep(parameters.seconds * 1000, undefined, { signal })
    return done('slept')
  },
})

const RULES = `
- rule: Slow
  match: { priority: Notice }
  actions: [{ action: Sleep, actionner: "bench:sleep", parameters: { seconds: 10 } }]
- rule: Quick
  match: { priority: Critical }
  actions: [{ action: Act, actionner: "bench:sleep", parameters: { seconds: 0 } }]
`

/** What a critical event waits for while slow actions are under way. */
export const urgency: Bench = {
  name: 'urgency',
  async run() {
    const waiting = new Map<string, () => void>()
    const observer: Observer = async (stage, next) => {
      const outcome = await next()
      if (stage.name === 'action') waiting.get(stage.event.hostname)?.()
      return outcome
    }
    const { config } = readConfig({ env: {}, flags: { shutdown_timeout: 0 } })
    const plugin = definePlugin({ name: 'bench', provides: [sleeper] })
    const rules = [{ name: 'rules.yaml', text: RULES }]
    const talon = await createTalon({ plugins: [plugin], rules, config, observers: [observer], spoolPath: tmpdir() })
    const send = (priority: string, hostname: string) => talon.handle(JSON.stringify({ rule: 'x', priority, hostname }))
    const react = async (name: string): Promise<number> => {
      const acted = new Promise<void>((resolve) => void waiting.set(name, resolve))
      const began = performance.now()
      await send('Critical', name)
      await acted
      waiting.delete(name)
      return performance.now() - began
    }
    const measure = async (name: string) => {
      const times: number[] = []
      for (let n = 0; n < EVENTS; n++) times.push(await react(`${name}-${n}`))
      return median(times)
    }
    try {
      await measure('warm')
      const alone = await measure('alone')
      for (let n = 0; n < SLEEPERS; n++) await send('Notice', `sleeper-${n}`)
      const beside = await measure('beside')
      const ratio = beside / alone
      return [
        {
          what: `a critical event's reaction while ${SLEEPERS} actions sleep ten seconds each`,
          measured: `${beside.toFixed(3)} ms`,
          baseline: `nothing else to do: ${alone.toFixed(3)} ms`,
          result: ratio.toFixed(2),
          aim: '<= 1.20',
          met: ratio <= 1.2,
        },
      ]
    } finally {
      await talon.stop()
    }
  },
}
