import type { Actionner, Notifier, Output, Permissions, PolicyRule, Provided } from '@talon/plugin'
import { fieldsOf, parametersOf } from './describe.ts'

/** The page of a definition, in Markdown. */
export function markdown(definition: Provided): string {
  const { name, summary, permissions } = definition
  const parts = [`# \`${name}\``, `${summary}.`]
  if (definition.kind !== 'context' && definition.notes) parts.push(definition.notes)
  if (definition.kind === 'actionner') parts.push(behaviour(definition))
  if (definition.kind === 'actionner' || definition.kind === 'context') parts.push(needed(definition))
  if (definition.kind === 'context')
    parts.push(
      '## Facts',
      table(
        ['fact', 'meaning'],
        Object.entries(definition.gives).map(([fact, text]) => [code(fact), text]),
      ),
    )
  else
    parts.push(
      definition.kind === 'notifier' ? '## Settings' : '## Parameters',
      parametersTable(definition),
      '## Example',
      example(definition),
    )
  parts.push(...permissionsPart(permissions))
  return `${parts.join('\n\n')}\n`
}

function behaviour({ effect, repeatable, output, continue: goesOn, previews }: Actionner): string {
  return table(
    ['', ''],
    [
      ['effect', { observe: 'observes', change: 'changes its target', destroy: 'destroys its target' }[effect]],
      ['continue, where the rule does not say', goesOn ? 'yes' : 'no'],
      [
        'artifact',
        output === 'none'
          ? 'none'
          : output === 'required'
            ? 'yes, an output is required'
            : 'yes, an output may take it',
      ],
      ['runs again after a crash', repeatable ? 'yes' : 'no, it is reported as interrupted'],
      [
        'dry run',
        previews ? 'resolves its target and says what it would change' : 'says with which parameters it would run',
      ],
    ],
  )
}

function needed(definition: Pick<Actionner, 'needs'>): string {
  const fields = fieldsOf(definition).filter(({ optional }) => !optional)
  if (!fields.length) return 'Takes any event.'
  const names = fields.map(({ from }) => from.map(code).join(' or '))
  return `Needs of the event: ${names.join('; ')}.`
}

function parametersTable({ parameters }: Actionner | Output | Notifier): string {
  const rows = parametersOf(parameters).map(({ name, type, required, default: value, description }) => [
    code(name),
    type,
    required ? 'required' : value === undefined ? '' : code(JSON.stringify(value)),
    description,
  ])
  return rows.length ? table(['name', 'type', 'default', 'meaning'], rows) : 'None.'
}

/** An example as it stands in a rules file, or for a notifier in the config file. */
function example(definition: Actionner | Output | Notifier): string {
  return definition.examples
    .map(({ title, parameters }) => `${title}:\n\n\`\`\`yaml\n${exampleYaml(definition, parameters)}\`\`\``)
    .join('\n\n')
}

/** A whole rules file or config file that uses the definition; `talon check` takes it. */
export function exampleYaml(definition: Actionner | Output | Notifier, parameters: object): string {
  const block = (value: object, depth: number) => lines(value, depth)
  if (definition.kind === 'notifier')
    return `default_notifiers: [${definition.name}]\nnotifiers:\n  ${definition.name}:${Object.keys(parameters).length ? `\n${block(parameters, 2)}` : ' {}\n'}`
  const given = Object.keys(parameters).length ? `      parameters:\n${block(parameters, 4)}` : ''
  const head = `- rule: Answer it\n  match:\n    rules: [Terminal shell in container]\n  actions:\n    - action: Do it\n`
  if (definition.kind === 'output')
    return `${head}      actionner: kubernetes:log\n      output:\n        target: ${definition.name}\n        parameters:\n${block(parameters, 5)}`
  const output =
    definition.output === 'required'
      ? `      output:\n        target: local:file\n        parameters:\n          destination: /var/lib/evidence\n`
      : ''
  return `${head}      actionner: ${definition.name}\n${given}${output}`
}

function lines(value: object, depth: number): string {
  return Object.entries(value)
    .map(([key, inner]: [string, unknown]) => {
      const indent = '  '.repeat(depth)
      if (typeof inner === 'object' && inner !== null && !Array.isArray(inner) && Object.keys(inner).length)
        return `${indent}${key}:\n${lines(inner, depth + 1)}`
      return `${indent}${key}: ${JSON.stringify(inner)}\n`
    })
    .join('')
}

function permissionsPart(permissions: Permissions | undefined): string[] {
  const { kubernetes = [], aws = [], gcp = [] } = permissions ?? {}
  const parts: string[] = []
  if (kubernetes.length)
    parts.push(
      table(
        ['API group', 'resources', 'verbs', 'when'],
        kubernetes.map((rule) => [
          rule.apiGroups.map((group) => code(group || 'core')).join(', '),
          rule.resources.map(code).join(', '),
          rule.verbs.join(', '),
          conditionsOf(rule).join(', '),
        ]),
      ),
    )
  if (aws.length) parts.push(`AWS: ${aws.map(code).join(', ')}`)
  if (gcp.length) parts.push(`Google Cloud: ${gcp.map(code).join(', ')}`)
  return parts.length ? ['## Permissions', ...parts] : []
}

function conditionsOf({ when = {}, unless = {}, kinds, everywhere }: PolicyRule): string[] {
  return [
    ...Object.entries(when).map(([name, value]) => `${code(name)} is ${said(value)}`),
    ...Object.entries(unless).map(([name, value]) =>
      value === undefined ? `${code(name)} is given` : `${code(name)} is not ${said(value)}`,
    ),
    ...(kinds === undefined ? [] : [`only what ${code(kinds)} lists, where it is given`]),
    ...(everywhere ? ['in all namespaces'] : []),
  ]
}

const said = (value: unknown) => code(String(value))
const code = (text: string) => `\`${text}\``

/** A Markdown table; a bar in a cell is escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
