import { defineActionner, defineNotifier, defineOutput, definePlugin, done, namespace, podName } from '@talon/plugin'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { Host } from './host.ts'
import { configSchema, rulesSchema } from './schema.ts'

const run = async () => done('done')
const base = { summary: 'A test', examples: [], run } as const
const host = new Host().add(
  definePlugin({
    name: 'test',
    provides: [
      defineActionner({
        ...base,
        name: 'kubernetes:label',
        needs: { pod: podName, namespace },
        effect: 'change',
        repeatable: true,
        output: 'optional',
        parameters: z.object({
          labels: z.record(z.string(), z.string()),
          level: z.enum(['pod', 'node']).default('pod'),
          seconds: z.number().int().optional(),
          force: z.boolean().default(false),
          allow: z.array(z.string()).default([]),
        }),
      }),
      defineOutput({ ...base, name: 'local:file', parameters: z.object({ destination: z.string() }) }),
      defineNotifier({
        ...base,
        name: 'slack',
        parameters: z.object({
          webhook_url: z.url().meta({ secret: true }),
          custom_headers: z.record(z.string(), z.string()).optional(),
        }),
      }),
    ],
  }),
)
const ajv = new Ajv({ strict: false, validateFormats: false })
const [rules, config] = [ajv.compile(rulesSchema(host)), ajv.compile(configSchema(host))]
/** Where an editor would mark something. */
const marks = (check: typeof rules, text: string) => {
  check(parse(text, { merge: true }))
  return check.errors?.map(({ instancePath, params }) => `${instancePath} ${JSON.stringify(params)}`) ?? []
}

describe('an editor marks nothing that Talon takes', () => {
  it.each([
    ['', ''],
    ['an action kept for use', '- action: A\n  actionner: kubernetes:label\n'],
    ['an action completed by another file', '- action: A\n  output: { parameters: { destination: /x } }\n'],
    [
      'types that are not the wanted ones',
      '- rule: R\n  continue: "no"\n  match: { rules: One, priority: , tags: a }\n  notifiers: slack\n  actions:\n    - A\n    - action: B\n      actionner: kubernetes:label\n      timeout: "5"\n      parameters: { labels: { a: true, b: 8, c: }, level: node, seconds: "5", force: "true", allow: x }\n',
    ],
    ['an actionner of a third party', '- action: A\n  actionner: mine:thing\n  parameters: { any: 1 }\n'],
  ])('%s', (_, text) => expect(marks(rules, text)).toEqual([]))

  it.each([
    'listen_port: "2803"\nrules_files: ./rules.yaml\nwatch_rules: "true"\nkubernetes: {}\n',
    'notifiers: { slack: { webhook_url_file: /run/secrets/x, custom_headers: ["A: b"] } }\naws:\n  role_arn:\n',
    'notifiers:\n  slack:\n',
  ])('%s', (text) => expect(marks(config, text)).toEqual([]))
})

describe('an editor marks', () => {
  it.each([
    ['an unknown key', '- rule: R\n  dryrun: true\n', /"additionalProperty":"dryrun"/],
    ['an unknown parameter', '- action: A\n  actionner: kubernetes:label\n  parameters: { lables: {} }\n', /lables/],
    [
      'a wrong value',
      '- action: A\n  actionner: kubernetes:label\n  parameters: { level: cluster }\n',
      /parameters\/level/,
    ],
    [
      'a wrong type',
      '- action: A\n  actionner: kubernetes:label\n  parameters: { seconds: soon }\n',
      /parameters\/seconds/,
    ],
    ['a wrong type in a rule', '- rule: R\n  actions: [{ action: A, continue: perhaps }]\n', /actions\/0\/continue/],
    ['a map for a list of names', '- rule: R\n  notifiers: { slack: true }\n', /notifiers/],
    ['a block without a name', '- description: x\n', /"missingProperty":"action"/],
  ])('%s', (_, text, wanted) => expect(marks(rules, text).join('\n')).toMatch(wanted))

  it('a wrong setting', () => expect(marks(config, 'log_format: xml\nlisten_port: many\n')).not.toEqual([]))
})
