import { defineActionner, defineContext, defineNotifier, defineOutput, definePlugin, done } from '@talon/plugin'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { compile } from './compile.ts'
import { Host } from './host.ts'
import { permissionsOf, usesOf } from './permissions.ts'

const base = { summary: 'A test', examples: [], run: async () => done('done') } as const
const on = (resource: string, ...verbs: string[]) => ({ apiGroups: [''], resources: [resource], verbs })
const host = new Host().add(
  definePlugin({
    name: 'test',
    provides: [
      defineActionner({
        ...base,
        name: 'test:label',
        effect: 'change',
        repeatable: true,
        output: 'optional',
        parameters: z.object({
          level: z.enum(['pod', 'node']).default('pod'),
          file: z.string().optional().meta({ tokens: 'text' }),
          only: z.array(z.string()).optional(),
        }),
        permissions: {
          kubernetes: [
            on('pods', 'get'),
            { ...on('pods', 'patch'), when: { level: 'pod' } },
            { ...on('nodes', 'get', 'patch'), when: { level: 'node' }, everywhere: true },
            { ...on('*', 'delete'), apiGroups: ['*'], unless: { only: undefined }, kinds: 'only' },
          ],
        },
      }),
      defineOutput({
        ...base,
        name: 'test:store',
        parameters: z.object({}),
        permissions: { aws: ['s3:PutObject'] },
      }),
      defineNotifier({
        ...base,
        name: 'events',
        parameters: z.object({}),
        permissions: { kubernetes: [{ ...on('events', 'create'), apiGroups: ['', 'events.k8s.io'] }] },
      }),
      defineContext({
        name: 'node',
        summary: 'A test',
        gives: { 'node.name': 'Name' },
        permissions: { kubernetes: [on('nodes', 'list')] },
        run: async () => ({}),
      }),
    ],
  }),
)
const granted = (actions: string, more = '') => {
  const text = `- rule: R\n  actions:\n${actions}${more}`
  const { ruleset, issues } = compile([{ name: 'r.yaml', text }], host, { default_notifiers: [] })
  expect(issues).toEqual([])
  return permissionsOf(usesOf(ruleset!, host))
}
const action = (parameters: string, more = '') =>
  `    - { action: A, actionner: "test:label", parameters: { ${parameters} }${more} }\n`

describe('the least role', () => {
  it('grants what the parameters need, their defaults counted in, also beside tokens', () => {
    expect(granted(action('')).kubernetes).toEqual([on('pods', 'get', 'patch')])
    expect(granted(action('file: "$K8S_POD_NAME"')).kubernetes).toEqual([on('pods', 'get', 'patch')])
    expect(granted(action('level: node')).kubernetes).toEqual([
      { ...on('nodes', 'get', 'patch'), everywhere: true },
      on('pods', 'get'),
    ])
  })

  it('grants the kinds that a parameter lists, in every group where it names none', () =>
    expect(granted(action('only: [roles, deployments.apps]')).kubernetes).toEqual([
      on('pods', 'get', 'patch'),
      { ...on('roles', 'delete'), apiGroups: ['*'] },
      { ...on('deployments', 'delete'), apiGroups: ['apps'] },
    ]))

  it('counts in outputs, contexts and notifiers, each permission once', () =>
    expect(
      granted(
        action('', ', additional_contexts: [node], output: { target: "test:store" }').repeat(2),
        '  notifiers: [events]\n',
      ),
    ).toEqual({
      kubernetes: [
        on('events', 'create'),
        on('nodes', 'list'),
        on('pods', 'get', 'patch'),
        { ...on('events', 'create'), apiGroups: ['events.k8s.io'] },
      ],
      aws: ['s3:PutObject'],
      gcp: [],
    }))
})
