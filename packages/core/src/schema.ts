import type { Actionner, ContextSource, Notifier, Output } from '@talon/plugin'
import { actionBlock, matchBlock, outputBlock, ruleBlock } from './blocks.ts'
import { jsonSchema } from './describe.ts'
import { settingsSchema } from './settings.ts'

export interface Catalogue {
  list(kind: 'actionner'): readonly Actionner[]
  list(kind: 'output'): readonly Output[]
  list(kind: 'notifier'): readonly Notifier[]
  list(kind: 'context'): readonly ContextSource[]
}

const DRAFT = 'http://json-schema.org/draft-07/schema#'

/** JSON Schema of rules files, for editors: each actionner with its own parameters. */
export function rulesSchema(catalogue: Catalogue): object {
  const output = variants(jsonSchema(outputBlock), 'target', catalogue.list('output'))
  const action = variants(jsonSchema(actionBlock), 'actionner', catalogue.list('actionner'))
  const names = (kind: 'notifier' | 'context') => ({
    type: 'array',
    items: { enum: catalogue.list(kind as 'context').map(({ name }) => name) },
  })
  action.properties['output'] = { ...output, description: action.properties['output'].description }
  action.properties['additional_contexts'] = { ...action.properties['additional_contexts'], ...names('context') }
  const rule = jsonSchema(ruleBlock)
  rule['properties'] = {
    ...rule['properties'],
    match: { ...jsonSchema(matchBlock), description: rule['properties'].match.description },
    actions: { ...rule['properties'].actions, items: { $ref: '#/definitions/action' } },
  }
  return {
    $schema: DRAFT,
    title: 'Rules of Talon',
    type: 'array',
    items: { if: { required: ['rule'] }, then: { $ref: '#/definitions/rule' }, else: { $ref: '#/definitions/action' } },
    definitions: { rule, action },
  }
}

/** For each name, the parameters that go with it. Which are required is for `talon check`: a reusable action may leave them open. */
function variants(
  schema: Record<string, any>,
  key: string,
  definitions: readonly (Actionner | Output)[],
): Record<string, any> {
  const { properties } = schema
  return {
    ...schema,
    additionalProperties: false,
    properties: {
      ...properties,
      [key]: {
        description: properties[key].description,
        anyOf: [...definitions.map(({ name, summary }) => ({ const: name, description: summary })), { type: 'string' }],
      },
    },
    allOf: definitions.map(({ name, parameters }) => {
      const { required: _, ...open } = jsonSchema(parameters)
      return {
        if: { required: [key], properties: { [key]: { const: name } } },
        then: { properties: { parameters: open } },
      }
    }),
  }
}

/** JSON Schema of the config file, for editors. */
export function configSchema(catalogue: Catalogue): object {
  const schema = jsonSchema(settingsSchema)
  const notifiers = catalogue
    .list('notifier')
    .map(({ name, summary, parameters }) => [name, { ...jsonSchema(parameters), description: summary }])
  schema['properties'].notifiers = { ...schema['properties'].notifiers, properties: Object.fromEntries(notifiers) }
  return { $schema: DRAFT, title: 'Configuration of Talon', ...schema }
}
