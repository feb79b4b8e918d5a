import {
  defineActionner,
  defineContext,
  defineNotifier,
  defineOutput,
  definePlugin,
  done,
  namespace,
  podName,
  remoteIp,
} from '@talon/plugin'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { compile } from './compile.ts'
import { Host } from './host.ts'

const base = { summary: 'A test', examples: [{ title: 'One', parameters: {} }] } as const
const run = async () => done('done')
const label = defineActionner({
  ...base,
  name: 'kubernetes:label',
  needs: { pod: podName, namespace },
  effect: 'change',
  repeatable: true,
  parameters: z.object({
    labels: z.record(z.string(), z.string()).describe('Labels'),
    level: z.enum(['pod', 'node']).default('pod').describe('Level'),
    retries: z.number().int().optional().describe('A number'),
    force: z.boolean().optional().describe('A boolean'),
    replicas: z
      .union([z.number(), z.string().regex(/^\d+%$/)])
      .optional()
      .describe('A number or a share'),
  }),
  examples: [{ title: 'One', parameters: { labels: {} } }],
  run,
})
const exec = defineActionner({
  ...base,
  name: 'kubernetes:exec',
  needs: { pod: podName, namespace },
  effect: 'change',
  repeatable: false,
  parameters: z.object({ command: z.string().describe('A program').meta({ shell: true }) }),
  examples: [{ title: 'One', parameters: { command: 'true' } }],
  run,
})
const log = defineActionner({
  ...base,
  name: 'kubernetes:log',
  effect: 'observe',
  repeatable: true,
  output: 'required',
  parameters: z.object({}),
  run,
})
const block = defineActionner({
  ...base,
  name: 'calico:networkpolicy',
  needs: { ip: remoteIp },
  effect: 'change',
  repeatable: true,
  continue: false,
  parameters: z.object({ allow_cidr: z.array(z.cidrv4()).default([]).describe('Ranges') }),
  run,
})
const file = defineOutput({
  ...base,
  name: 'local:file',
  parameters: z.object({ destination: z.string().describe('A folder') }),
  examples: [{ title: 'One', parameters: { destination: '/x' } }],
  run,
})
const slack = defineNotifier({ ...base, name: 'slack', parameters: z.object({}), run })
const node = defineContext({
  name: 'k8snode',
  summary: 'Node',
  gives: { 'node.hostname': 'Name' },
  run: async () => ({}),
})
const host = new Host().add(definePlugin({ name: 'test', provides: [label, exec, log, block, file, slack, node] }))

const build = (...texts: string[]) =>
  compile(
    texts.map((text, n) => ({ name: `${'abc'[n]}.yaml`, text })),
    host,
    { default_notifiers: [] },
  )
const planned = (...texts: string[]) => {
  const { ruleset, issues } = build(...texts)
  expect(issues.filter(({ level }) => level === 'error')).toEqual([])
  return ruleset?.rules.map((rule) => rule.planned) ?? []
}
/** `line:column level message`, as a reader sees them. */
const said = (...texts: string[]) =>
  build(...texts).issues.map(
    ({ file, line, column, level, message }) => `${file}:${line}:${column} ${level}: ${message}`,
  )
const rule = (actions: string, more = '') => `- rule: R\n${more}  actions:\n${actions}`

describe('merging', () => {
  it('replaces scalars, appends lists, merges maps, and erases nothing', () => {
    const [first] = planned(
      `- action: A\n  actionner: kubernetes:label\n  ignore_errors: true\n  parameters: { labels: { a: "1", b: "1" }, level: node }\n` +
        `- rule: R\n  match: { rules: [x] }\n  dry_run: true\n  notifiers: [slack]\n  actions: [{ action: A }]\n`,
      `- action: A\n  continue: false\n  parameters: { labels: { b: "2", c: "2" } }\n- rule: R\n  match: { rules: [y] }\n  continue: false\n  actions: [{ action: B, actionner: "kubernetes:exec", parameters: { command: ls } }]\n`,
    )
    expect(first).toMatchObject({ rule: 'R', dryRun: true, continue: false, notifiers: ['slack'] })
    expect(first?.steps.map(({ action }) => action)).toEqual(['A', 'B'])
    expect(first?.steps[0]).toMatchObject({
      continue: false,
      ignoreErrors: true,
      parameters: { labels: { a: '1', b: '2', c: '2' }, level: 'node' },
    })
    const { ruleset } = build(
      `- rule: R\n  match: { rules: [x] }\n  actions: [{ action: A, actionner: "kubernetes:exec", parameters: { command: ls } }]`,
      `- rule: R\n  match: { rules: [y] }`,
    )
    expect(ruleset?.rules[0]?.match.rules).toEqual(new Set(['x', 'y']))
  })

  it("completes a rule's action by the one it names, the rule's own word winning", () => {
    const [first] = planned(
      `- action: A\n  actionner: kubernetes:label\n  continue: false\n  additional_contexts: [k8snode]\n  parameters: { labels: { a: block, b: block }, level: node }\n` +
        rule(`    - action: A\n      continue: true\n      parameters: { labels: { b: rule } }\n`),
    )
    expect(first?.steps[0]).toMatchObject({ actionner: 'kubernetes:label', continue: true, contexts: ['k8snode'] })
    expect(first?.steps[0]?.parameters).toEqual({ labels: { a: 'block', b: 'rule' }, level: 'node' })
  })

  it('names both places where types clash', () =>
    expect(
      said(
        `- action: A\n  actionner: kubernetes:label\n  parameters: { labels: { a: "1" } }\n`,
        `- action: A\n  parameters: [1]\n`,
      ),
    ).toContainEqual('b.yaml:2:15 error: this is a list, but a map in a.yaml:3:15: they cannot be merged'))
})

describe('a scalar', () => {
  const parameters = (text: string) =>
    planned(rule(`    - action: A\n      actionner: kubernetes:label\n      parameters: ${text}\n`))[0]?.steps[0]
      ?.parameters
  it('is taken for the type that is wanted, where nothing is lost', () => {
    expect(
      parameters(
        '{ labels: { a: true, b: 8, c: 007, d: "", e: 1.0, f: }, retries: "3", force: "true", replicas: "2" }',
      ),
    ).toEqual({
      labels: { a: 'true', b: '8', c: '007', d: '', e: '1.0', f: '' },
      retries: 3,
      force: true,
      replicas: 2,
    })
    expect(parameters('{ labels: {}, replicas: 33%, retries: "" }')).toEqual({ labels: {}, replicas: '33%' })
  })
  it.each(['retries: many', 'retries: 1.5', 'force: maybe', 'level: cluster', 'replicas: lots'])(
    'is an error where it is not: %s',
    (text) => {
      const [issue, ...rest] = said(
        rule(`    - action: A\n      actionner: kubernetes:label\n      parameters: { labels: {}, ${text} }\n`),
      )
      expect(issue).toMatch(new RegExp(`^a.yaml:5:\\d+ error: kubernetes:label: ${text.split(':')[0]}`))
      expect(rest).toEqual([])
    },
  )
})

describe('each mistake is told with its place', () => {
  const act = (more: string) =>
    rule(`    - action: A\n      actionner: kubernetes:label\n      parameters: { labels: {} }\n${more}`)
  const matching = (match: string) =>
    rule(
      `    - action: A\n      actionner: kubernetes:exec\n      parameters: { command: ls }\n`,
      `  match: { ${match} }\n`,
    )
  it.each([
    ['YAML', '- rule: [', /a\.yaml:1:\d+ error: YAML: /],
    ['no list', 'rule: R\n', /a\.yaml:1:1 error: a rules file is a list/],
    ['no block', '- hello\n', /a\.yaml:1:3 error: a rule or an action is a block of keys/],
    ['neither', '- description: x\n', /a\.yaml:1:3 error: this block has neither/],
    ['neither, by a slip', '- rul: x\n', /a\.yaml:1:3 error: this block has neither/],
    [
      "a file of Falco's own",
      '- macro: x\n  condition: y\n',
      /a\.yaml:1:3 error: a macro belongs into a rules file of Falco/,
    ],
    [
      'an actionner with one n',
      rule('    - action: A\n      actioner: kubernetes:log\n'),
      /a\.yaml:4:7 error: unknown key of an action 'actioner': the action 'A' has no actionner/,
    ],
    ['no actions', '- rule: R\n', /a\.yaml:1:9 error: the rule 'R' has no actions/],
    [
      'unknown actionner',
      rule('    - action: A\n      actionner: kubernetes:lable\n'),
      /a\.yaml:4:18 error: unknown actionner 'kubernetes:lable'/,
    ],
    ['unknown reference', rule('    - action: Nobody\n'), /a\.yaml:3:15 error: the action 'Nobody' has no actionner/],
    [
      'missing parameter',
      rule('    - action: A\n      actionner: kubernetes:label\n'),
      /a\.yaml:4:18 error: kubernetes:label: labels is missing/,
    ],
    [
      'unknown parameter',
      act('').replace('{ labels: {} }', '{ labels: {}, levle: pod }'),
      /a\.yaml:5:33 warning: unknown parameter of kubernetes:label 'levle'/,
    ],
    ['unknown key', act('      contine: true\n'), /a\.yaml:6:7 warning: unknown key of an action 'contine'/],
    [
      'missing output',
      rule('    - action: A\n      actionner: kubernetes:log\n'),
      /a\.yaml:4:18 error: kubernetes:log makes an artifact, and has no output/,
    ],
    [
      'useless output',
      act('      output: { target: "local:file" }\n'),
      /a\.yaml:6:7 warning: kubernetes:label makes no artifact/,
    ],
    [
      'unknown target',
      rule('    - action: A\n      actionner: kubernetes:log\n      output: { target: "local:fiel" }\n'),
      /a\.yaml:5:25 error: unknown output 'local:fiel'/,
    ],
    [
      'bad CIDR',
      rule(
        '    - action: A\n      actionner: calico:networkpolicy\n      parameters: { allow_cidr: ["10.0.0.0/8", "10.0.0.300/8"] }\n',
      ),
      /a\.yaml:5:48 error: calico:networkpolicy: allow_cidr\.1: Invalid/,
    ],
    ['unknown notifier', act('') + '  notifiers: [slak]\n', /a\.yaml:6:15 error: unknown notifier 'slak'/],
    ['unknown context', act('      additional_contexts: [node]\n'), /a\.yaml:6:29 error: unknown context 'node'/],
    ['bad priority', matching('priority: ">=Critcal"'), /a\.yaml:2:22 error: 'Critcal' is no priority/],
    ['bad priority operator', matching('priority: "=>Error"'), /error: '=>' is no operator of a priority/],
    ['empty tag', matching('tags: ["a,,b"]'), /a\.yaml:2:19 error: a tag is empty/],
    ['no operator', matching('output_fields: ["proc.name sh"]'), /error: 'proc.name sh' has no operator/],
    ['wrong operator', matching('output_fields: ["fd.rport>=5"]'), /error: '>=' is no operator of a field/],
    ['no field', matching('output_fields: ["=5"]'), /error: '=5' names no field/],
  ])('%s', (_, text, wanted) => expect(said(text)).toContainEqual(expect.stringMatching(wanted)))

  it('with the line itself and a suggestion', () =>
    expect(build(rule('    - action: A\n      actionner: kubernetes:lable\n')).issues).toMatchObject([
      { source: '      actionner: kubernetes:lable', length: 16, hint: "did you mean 'kubernetes:label'?" },
    ]))

  it.each([
    ['- rul: R\n', 'rule'],
    ['- Action: R\n', 'action'],
    [rule('    - action: A\n      actionner: label\n'), 'kubernetes:label'],
    [rule('    - action: A\n      actioner: kubernetes:log\n'), 'actionner'],
  ])('with the key that was meant: %j', (text, meant) =>
    expect(build(text).issues[0]?.hint).toBe(`did you mean '${meant}'?`),
  )

  it.each([
    ['- rule: R\n  actions: kubernetes:label\n', 'an action has a name and an actionner'],
    [rule('    - kubernetes:label\n'), 'an action has a name and an actionner'],
    ['listen_port: 2803\n', 'a config file is named with -c'],
    ['- rule: R\n  condition: evt.type=open\n', 'it is a rule of Falco'],
  ])('with what the file, an action or an answer is: %j', (text, hint) =>
    expect(build(text).issues.map((issue) => issue.hint)).toContainEqual(expect.stringContaining(hint)),
  )

  it('all of them at once, and no ruleset', () => {
    const { ruleset, issues } = build(rule('    - action: A\n      actionner: x:y\n    - action: B\n'), '- rule: S\n')
    expect([ruleset, issues.map(({ file }) => file)]).toEqual([undefined, ['a.yaml', 'a.yaml', 'b.yaml']])
  })
})

describe('a slip that would let a rule do more than was meant', () => {
  const ls = '  actions: [{ action: A, actionner: "kubernetes:exec", parameters: { command: ls } }]\n'
  it.each([
    ['dryrun: true', "'dry_run'? Without it the rule is live"],
    ['dry-run: yes', "'dry_run'? Without it the rule is live"],
    ['DryRun: "true"', "'dry_run'? Without it the rule is live"],
    ['dry: true', "'dry_run'? Without it the rule is live"],
    ['match: { rule: [x] }', "'rules'? Without it the rule answers more events"],
    ['match: { prioirty: ">=Error" }', "'priority'?"],
    ['match: { fields: [proc.name=sh] }', "'output_fields'?"],
    ['match: { tag: a }', "'tags'?"],
    ['match: { dry_run: true }', "'dry_run' of the rule, not of its 'match'?"],
    ['macth: { rules: [x] }', "'match'? Without it the rule answers every event"],
    ['priority: ">=Error"', "'priority' below 'match'?"],
    ['rules: [x]', "'rules' below 'match'?"],
  ])('is an error: %s', (line, hint) => {
    const { ruleset, issues } = build(`- rule: R\n  ${line}\n${ls}`)
    expect(ruleset).toBeUndefined()
    expect(issues).toMatchObject([
      {
        level: 'error',
        line: 2,
        message: expect.stringMatching(/^unknown key of (a rule|match) '/) as string,
        hint: expect.stringContaining(`did you mean ${hint}`) as string,
      },
    ])
  })

  it.each(['rule', 'reusable action'])('is an error in an action of a %s, too', (where) => {
    const action = 'action: A, actionner: "kubernetes:exec", dry_run: true, parameters: { command: ls }'
    const { issues } = build(where === 'rule' ? `- rule: R\n  actions: [{ ${action} }]\n` : `- { ${action} }\n`)
    expect(issues).toMatchObject([
      {
        level: 'error',
        hint: expect.stringContaining("did you mean 'dry_run' of the rule, not of an action?") as string,
      },
    ])
  })

  // Rules of early versions carry some.
  it.each([
    'dryrun: false',
    'dryrun:',
    'match: { rule: [] }',
    'match: { owner: me }',
    'colour: green',
    'path: /x',
    'contine: false',
  ])('and no other: %s', (line) =>
    expect(said(`- rule: R\n  ${line}\n${ls}`)).toEqual([
      expect.stringMatching(/ warning: unknown key of a rule '\w+'$/),
    ]),
  )
})

describe('what is doubtful is a warning', () => {
  const two = (first: string, second: string) =>
    ['one', 'two']
      .map(
        (name, n) =>
          `- rule: ${name}\n  ${[first, second][n]}\n  actions: [{ action: A, actionner: "kubernetes:exec", parameters: { command: ls } }]\n`,
      )
      .join('')
  it.each([
    ['a rule that never runs', two('continue: false', 'match: { rules: [x] }'), /this rule never runs: 'one' above it/],
    [
      'one that a narrower match still covers',
      two('match: { priority: ">=Notice" }\n  continue: false', 'match: { priority: Error, rules: [x] }'),
      /this rule never runs/,
    ],
    [
      'one that asks for more of the same tags',
      two('match: { tags: [a, c] }\n  continue: false', 'match: { tags: ["b, a"] }'),
      /this rule never runs/,
    ],
    [
      'a live rule that a dry run hides',
      two('dry_run: true\n  continue: false', 'match: {}'),
      /this live rule never runs: the dry-run rule 'one'/,
    ],
    [
      'fields that the source never has',
      rule('    - action: A\n      actionner: calico:networkpolicy\n', '  match: { source: k8saudit }\n'),
      /needs fd.rip or fd.sip, which events of the source k8s_audit never have/,
    ],
    [
      'a source that is nearly one',
      rule(
        `    - { action: A, actionner: "kubernetes:exec", parameters: { command: ls } }\n`,
        '  match: { source: sycall }\n',
      ),
      /^a\.yaml:2:20 warning: 'sycall' is no source of Falco's own$/,
    ],
    [
      'a token without its context',
      rule(`    - { action: A, actionner: "kubernetes:exec", parameters: { command: 'echo "$NODE_HOSTNAME"' } }\n`),
      /needs the context 'k8snode'/,
    ],
    [
      'an unknown token',
      rule(`    - { action: A, actionner: "kubernetes:exec", parameters: { command: 'echo "$FALCO_TALON_RULES"' } }\n`),
      /FALCO_TALON_RULES is no token/,
    ],
    [
      'a misspelt token of a context',
      rule(`    - { action: A, actionner: "kubernetes:exec", parameters: { command: 'echo "$NODE_HOSTNAM"' } }\n`),
      /NODE_HOSTNAM is no token/,
    ],
    [
      'an unquoted token, at the very place',
      rule(
        `    - action: A\n      actionner: kubernetes:exec\n      parameters:\n        command: |\n          echo "$FD_NAME"\n          cat $FD_NAME\n`,
      ),
      /^a\.yaml:8:15 warning: \$FD_NAME is not between/,
    ],
    [
      'an unquoted token',
      rule(`    - { action: A, actionner: "kubernetes:exec", parameters: { command: 'echo $PROC_NAME' } }\n`),
      /PROC_NAME is not between double quotes/,
    ],
  ])('%s', (_, text, wanted) => expect(said(text)).toEqual([expect.stringMatching(wanted)]))

  it.each([
    ['a rule below one that matches less', two('match: { rules: [x] }\n  continue: false', 'match: {}')],
    [
      'a rule below one that asks for more',
      two('match: { tags: ["a, b"] }\n  continue: false', 'match: { tags: [a] }'),
    ],
    ['an action that is there to be used', `- action: A\n  actionner: kubernetes:exec\n`],
    [
      "the pod's own variables, and those of the program",
      rule(
        `    - { action: A, actionner: "kubernetes:exec", parameters: { command: 'A_B=$PROC_NAME; echo "$(basename "$FD_NAME")" "$NODE_ENV" $A_B # $FD_NAME isn''t' } }\n`,
      ),
    ],
    ["a plugin's source", two('match: { source: aws_cloudtrail }', 'match: { source: k8saudit }')],
    ['an internal event below one that never matches it', two('continue: false', 'match: { source: internal }')],
    [
      'a quoted token',
      rule(
        `    - { action: A, actionner: "kubernetes:exec", parameters: { command: "echo \\"x $PROC_NAME\\" it's $HOME" } }\n`,
      ),
    ],
  ])('but not %s', (_, text) => expect(said(text)).toEqual([]))
})
