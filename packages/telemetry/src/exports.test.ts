import { expect, it } from 'vitest'
import { watchExports } from './exports.ts'

function stand() {
  let clock = 0
  let tried = 0
  let code = 1
  const lines: string[] = []
  const say = (message: string, facts?: object) => void lines.push(`${message} ${JSON.stringify(facts ?? {})}`)
  const exports = watchExports({ log: { debug: say, info: say, warn: say, error: say }, now: () => clock })
  const exporter = exports.watch('traces', {
    export(_items: string[], done: (result: { code: number; error?: Error }) => void) {
      tried += 1
      done(code ? { code, error: new Error('nobody listens') } : { code })
    },
  })
  return {
    lines,
    tried: () => tried,
    /** Hands one over every second, so many times. */
    hand: (times: number) => {
      const results: number[] = []
      for (let n = 0; n < times; n++, clock += 1000) exporter.export(['a span'], ({ code }) => results.push(code))
      return results
    },
    answer: (given: number) => void (code = given),
  }
}

it('a collector that is away is said once a minute, asked every five seconds, and its return is said', () => {
  const { lines, tried, hand, answer } = stand()
  expect(new Set(hand(60))).toEqual(new Set([1]))
  expect(tried()).toBe(12)
  expect(lines).toEqual([expect.stringMatching(/^traces could not be handed .*"error":"nobody listens"}$/)])
  hand(1)
  expect(lines[1]).toMatch(/"error":"nobody listens","times":60}$/)
  answer(0)
  expect(hand(5).at(-1)).toBe(0)
  expect(lines.slice(2)).toEqual(['traces reach the collector again {}'])
})

it('one that comes and goes is not said each time', () => {
  const { lines, hand, answer } = stand()
  for (let n = 0; n < 10; n++) {
    answer(1)
    hand(1)
    answer(0)
    hand(5)
  }
  expect(lines).toHaveLength(2)
})
