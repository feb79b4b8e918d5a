import type { Actionner, Notifier, Output, Plugin, Provided } from '@talon/plugin'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const NAME: Record<Provided['kind'], RegExp> = {
  actionner: /^[a-z0-9]+:[a-z0-9-]+$/,
  output: /^[a-z0-9]+:[a-z0-9-]+$/,
  notifier: /^[a-z0-9-]+$/,
  context: /^[a-z0-9-]+$/,
}

/** The checks that every plugin passes. Its test is one line: `checkPlugin(plugin)`. */
export function checkPlugin(plugin: Plugin): void {
  it('is a plugin of contract 1 that provides something', () => {
    expect(plugin.contract).toBe(1)
    expect(plugin.provides.length).toBeGreaterThan(0)
  })
  for (const definition of plugin.provides)
    describe(`${definition.kind} ${definition.name}`, () => {
      it('has a name of its kind', () => expect(definition.name).toMatch(NAME[definition.kind]))
      it('says in one line, without a full stop, what it does', () =>
        expect(definition.summary).toMatch(/^[A-Z][^\n]*[^.\n]$/))
      if (definition.kind === 'context') checkContext(definition)
      else checkDefinition(definition)
      if (definition.kind === 'actionner') checkActionner(definition)
    })
}

function checkContext({ gives }: Extract<Provided, { kind: 'context' }>): void {
  it('names and describes the facts that it gives', () => {
    expect(Object.keys(gives).length).toBeGreaterThan(0)
    for (const [name, text] of Object.entries(gives))
      expect([name, text]).toEqual([expect.stringMatching(/^[a-z0-9._]+$/), expect.stringMatching(/./)])
  })
}

function checkDefinition({ parameters, examples }: Actionner | Output | Notifier): void {
  it('describes every parameter', () => {
    const { properties = {} } = z.toJSONSchema(parameters, { io: 'input', unrepresentable: 'any' })
    const undescribed = Object.entries(properties).filter(
      ([, schema]) => !(schema as { description?: string }).description,
    )
    expect(undescribed.map(([name]) => name)).toEqual([])
  })
  it('has examples that its own schema takes', () => {
    expect(examples.length).toBeGreaterThan(0)
    for (const { parameters: example } of examples) expect(parameters.safeParse(example).error).toBeUndefined()
  })
}

function checkActionner({ needs, effect, previews, permissions, parameters }: Actionner): void {
  it('reads fields by names that Falco has', () => {
    for (const field of Object.values<{ from: readonly string[] }>(needs))
      for (const name of field.from) expect(name).toMatch(/^[a-z0-9_.[\]/]+$/)
  })
  it('knows dry runs where it changes what Kubernetes keeps', () => {
    const writes = permissions?.kubernetes?.some(({ verbs }: { verbs: readonly string[] }) =>
      verbs.some((verb) => verb !== 'get' && verb !== 'list'),
    )
    expect(effect === 'observe' || !writes || previews).toBe(true)
  })
  it('asks for permissions under conditions that its parameters can meet', () => {
    for (const { when = {} } of permissions?.kubernetes ?? [])
      expect(Object.keys(parameters.shape)).toEqual(expect.arrayContaining(Object.keys(when)))
  })
}
