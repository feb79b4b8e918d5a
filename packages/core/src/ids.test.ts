import { expect, it } from 'vitest'
import { createIds } from './ids.ts'

it('gives ids of version 7, none twice, that sort by their time', async () => {
  const id = createIds()
  const first = Array.from({ length: 1000 }, id)
  await new Promise((resolve) => setTimeout(resolve, 2))
  const second = Array.from({ length: 1000 }, createIds())
  for (const one of first) expect(one).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(new Set([...first, ...second]).size).toBe(2000)
  expect(first.toSorted().at(-1)! < second.toSorted()[0]!).toBe(true)
})
