import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Windows } from './windows.ts'

it('are open as long as a plain list of them says, whatever begins, repeats and ends', () => {
  const step = fc.record({
    what: fc.constantFrom('begin', 'repeat', 'end', 'wait'),
    key: fc.constantFrom('a', 'b', 'c'),
    wait: fc.nat(7),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const windows = new Windows(100)
      const model = new Map<string, number>()
      let time = 0
      for (const { what, key, wait } of steps) {
        if (what === 'wait') time += wait
        const open = windows.find(key, time)
        expect(open !== undefined).toBe((model.get(key) ?? 0) > time)
        if (what === 'begin' && !open) {
          windows.begin(key, time + 5)
          model.set(key, time + 5)
        }
        if (what === 'repeat' && open) {
          windows.extend(open, time + 5)
          model.set(key, time + 5)
        }
        if (what === 'end') {
          if (open) windows.end(key, open)
          model.delete(key)
        }
      }
    }),
  )
})

it('are so many at most: the oldest ends early', () => {
  const windows = new Windows(3)
  for (const key of ['a', 'b', 'c', 'd', 'e']) windows.begin(key, 100)
  expect(['a', 'b', 'c', 'd', 'e'].filter((key) => windows.find(key, 1))).toEqual(['c', 'd', 'e'])
  expect(windows.size).toBe(3)
})

it('take no more time for having forgotten many', () => {
  const windows = new Windows(1_000_000)
  const spend = (from: number) => {
    const began = performance.now()
    for (let time = from; time < from + 20_000; time++) {
      windows.find(`k${time}`, time)
      windows.begin(`k${time}`, time + 10_000)
    }
    return performance.now() - began
  }
  const first = spend(0)
  const later = [1, 2, 3, 4].map((n) => spend(n * 20_000))
  // A walk over what was deleted would be a hundred times as slow: a ratio, with room for a busy machine.
  expect(Math.min(...later)).toBeLessThan(Math.max(first, 2) * 20)
  expect(windows.size).toBeLessThanOrEqual(10_001)
})
