import { jsonSchema, type Host } from '@talon/core'
import { isMap, type YAMLMap } from 'yaml'
import { describeAction, describeRules } from './differences.ts'
import { isText, type EditableFile } from './document.ts'
import { quoteTokens } from './program.ts'
import type { WrittenAction, WrittenRule } from './written.ts'

/** Actionners that had another name once. */
const RENAMED: Readonly<Record<string, string>> = { 'kubernetes:labelize': 'kubernetes:label' }

/** Cleans rules files of Falco Talon, and says what they mean here. */
export function migrateRules(files: readonly EditableFile[], host: Host): void {
  const blocks = files.flatMap((file) => file.maps(file.root).map((node) => ({ file, node })))
  for (const { file, node } of blocks) if (isMap(file.at(node, 'action'))) noteOldBlock(file, node)
  const rules = blocks.flatMap(({ file, node }): WrittenRule[] => {
    const name = file.text(node, 'rule')
    return name === undefined ? [] : [{ file, node, name }]
  })
  const written = [
    ...blocks.filter(({ file, node }) => file.text(node, 'rule') === undefined),
    ...rules.flatMap(({ file, node }) => file.maps(file.at(node, 'actions')).map((action) => ({ file, node: action }))),
  ]
  const named = new Map<string, string>()
  for (const { file, node } of written) {
    renameActionner(file, node)
    const [name, actionner] = [file.text(node, 'action'), actionnerOf(file, node)]
    if (name !== undefined && actionner !== undefined && !named.has(name)) named.set(name, actionner)
  }
  for (const { file, node } of written) {
    const actionner = actionnerOf(file, node) ?? named.get(file.text(node, 'action') ?? '')
    if (actionner === undefined) continue
    quotePrograms({ file, node, actionner }, host)
    describeAction({ file, node, actionner })
  }
  describeRules(rules)
}

/** Before 0.1 a rule had one action, and named it. */
function noteOldBlock(file: EditableFile, node: YAMLMap): void {
  const message =
    'this is a rule as it was written before 0.1: it begins with "- rule:" now, and has a list of actions, each with its actionner'
  file.note('decide', node, message)
}

function actionnerOf(file: EditableFile, node: YAMLMap): string | undefined {
  const written = file.text(node, 'actionner')
  return written === undefined ? undefined : (RENAMED[written] ?? written)
}

function renameActionner(file: EditableFile, node: YAMLMap): void {
  const actionner = file.at(node, 'actionner')
  const now = isText(actionner) ? RENAMED[actionner.value] : undefined
  if (!isText(actionner) || now === undefined) return
  file.note('changed', actionner, `the actionner ${actionner.value} is called ${now}`)
  file.set(actionner, () => now)
}

/** Parameters that are text for a shell; which ones are is said by the actionner. */
function quotePrograms({ file, node, actionner }: WrittenAction, host: Host): void {
  const definition = host.find('actionner', actionner)
  if (!definition) return
  const properties = jsonSchema(definition.parameters)['properties'] as Record<string, { readonly shell?: boolean }>
  for (const [name, { shell }] of Object.entries(properties)) {
    const program = shell ? file.at(file.at(node, 'parameters'), name) : undefined
    if (!isText(program)) continue
    const { quoted, single, others } = quoteTokens(program.value)
    if (quoted.length) {
      file.note(
        'changed',
        program,
        `${name}: double quotes around ${quoted.join(', ')}: values reach the shell as variables, and are no longer pasted into the text`,
      )
      file.set(program, (text) => quoteTokens(text).text)
    }
    if (single.length)
      file.note(
        'decide',
        program,
        `${name}: ${single.join(', ')} stands in single quotes, where a shell replaces nothing: end them before it, and put it in double quotes`,
      )
    if (others.length)
      file.note(
        'differs',
        program,
        `${name}: ${others.map((other) => `$${other}`).join(', ')} is the shell's own in the container; it was replaced by what Falco Talon's own environment had`,
      )
  }
}
