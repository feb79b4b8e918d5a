import { Host } from '@talon/core'
import { checkPlugin } from '@talon/testing'
import { describe, expect, it } from 'vitest'
import { firstParty, firstPartyNames } from './index.ts'

const plugins = await firstParty()

describe('the plugins that ship', () => {
  it('are called as their packages, and fit into one host', () => {
    expect(plugins.map(({ name }) => name)).toEqual(firstPartyNames)
    const host = new Host()
    for (const plugin of plugins) host.add(plugin)
    expect(host.list('actionner').map(({ name }) => name)).toContain('kubernetes:terminate')
  })
})

for (const plugin of plugins)
  describe(`the plugin ${plugin.name}`, () => {
    checkPlugin(plugin)
  })
