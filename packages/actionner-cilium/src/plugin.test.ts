import { checkPlugin } from '@talon/testing'
import { expect, it } from 'vitest'
import plugin, * as exported from './index.ts'

checkPlugin(plugin)

it('exports its definitions by name, and nothing else', () => {
  const { default: _, ...named } = exported
  expect(Object.values(named).toSorted((a, b) => a.name.localeCompare(b.name))).toEqual(plugin.provides)
})
