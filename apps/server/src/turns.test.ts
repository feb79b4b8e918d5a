import { setImmediate as immediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { turns } from './turns.ts'

it('lets all who ask in one turn of the event loop go on together at its end, and who asks later at the end of his', async () => {
  const endOfTurn = turns()
  const told: string[] = []
  const ask = async (name: string) => {
    await endOfTurn()
    told.push(name)
  }
  const first = [ask('a'), ask('b')]
  await Promise.resolve()
  expect(told).toEqual([])
  await immediate()
  expect(told).toEqual(['a', 'b'])
  const later = ask('c')
  expect(told).toEqual(['a', 'b'])
  await Promise.all([...first, later])
  expect(told).toEqual(['a', 'b', 'c'])
})
