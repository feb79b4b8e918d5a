import { defineActionner, defineClient, defineNotifier, definePlugin, done } from '@talon/plugin'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { readConfig } from './config.ts'
import { Host } from './host.ts'
import { inspect } from './inspect.ts'

const base = { summary: 'A test', examples: [], run: async () => done('done') } as const
const vault = defineClient({
  name: 'vault',
  summary: 'A test',
  settings: z.object({ address: z.string(), mode: z.enum(['fast', 'slow']).default('fast') }),
  open: () => ({}),
})
const plugin = definePlugin({
  name: 'test',
  provides: [
    defineActionner({
      ...base,
      name: 'test:act',
      uses: { vault },
      effect: 'observe',
      repeatable: true,
      parameters: z.object({}),
    }),
    defineActionner({ ...base, name: 'test:idle', effect: 'observe', repeatable: true, parameters: z.object({}) }),
    defineNotifier({
      ...base,
      name: 'chat',
      parameters: z.object({ url: z.string(), token: z.string().meta({ secret: true }) }),
    }),
  ],
})
const rule = (actionner: string, more = '') => ({
  name: 'rules.yaml',
  text: `- rule: R\n  actions: [{ action: A, actionner: "test:${actionner}" }]\n${more}`,
})
const look = (text: string, rules: ReturnType<typeof rule>, more: object = {}) => {
  const file = { name: 'config.yaml', text }
  const { config, locate, issues } = readConfig({ file, env: {}, definitions: new Host().add(plugin) })
  expect(issues).toEqual([])
  return inspect({ plugins: [plugin], rules: [rules], config, locate, ...more })
}
const said = (...args: Parameters<typeof look>) =>
  look(...args).issues.map(({ file, line, column, message }) => [file, line, column, message].filter(Boolean).join(' '))

describe('a setting that rules need', () => {
  it('and that is missing is an error, where its section stands', () =>
    expect(said('notifiers:\n  chat:\n    token: sesame\n', rule('idle', '  notifiers: [chat]\n'))).toEqual([
      'config.yaml 2 3 notifiers.chat.url is missing: the rules use it',
    ]))

  it('and that is wrong or missing everywhere is one without a place', () => {
    expect(said('', rule('act'))).toEqual(['vault.address is missing: the rules use it'])
    const { issues, ruleset } = look('', rule('act'))
    expect(ruleset).toBeUndefined()
    expect(issues).toMatchObject([{ hint: 'set it in the config file, or VAULT_ADDRESS in the environment' }])
  })

  it('is not asked for where no rule uses it, where it is provided, or where there is no config file', () => {
    expect(said('', rule('idle'))).toEqual([])
    expect(said('', rule('act'), { provide: [[vault, {}]] })).toEqual([])
    expect(said('', rule('act'), { checkSettings: false })).toEqual([])
  })

  it('is said once where it was said when the file was read', () => {
    const file = { name: 'config.yaml', text: 'vault: { address: x, mode: slwo }\n' }
    const read = readConfig({ file, env: {}, definitions: new Host().add(plugin) })
    const { issues, ruleset } = inspect({ plugins: [plugin], rules: [rule('act')], ...read })
    expect(read.issues).toMatchObject([{ message: 'vault.mode: must be fast or slow' }])
    expect([issues, ruleset]).toEqual([[], undefined])
  })

  it('is told without the secrets beside it', () =>
    expect(
      JSON.stringify(look('notifiers: { chat: { token: sesame } }\n', rule('idle', '  notifiers: [chat]\n')).issues),
    ).not.toContain('sesame'))
})
