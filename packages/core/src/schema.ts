import type { Actionner, Client, ContextSource, Notifier, Output } from '@talon/plugin'
import type { z } from 'zod'
import { actionBlock, matchBlock, outputBlock, ruleBlock } from './blocks.ts'
import { jsonSchema, parametersOf } from './describe.ts'
import { asWritten } from './as-written.ts'
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
  // Which target is meant may stand in the block that is completed.
  const { required: _, ...output } = variants(jsonSchema(outputBlock), 'target', catalogue.list('output'))
  const action = variants(jsonSchema(actionBlock), 'actionner', catalogue.list('actionner'))
  const names = (definitions: readonly { readonly name: string; readonly summary: string }[]) => ({
    type: 'array',
    items: known(definitions),
  })
  action.properties['output'] = { ...output, description: action.properties['output'].description }
  action.properties['additional_contexts'] = {
    ...action.properties['additional_contexts'],
    ...names(catalogue.list('context')),
  }
  const rule = jsonSchema(ruleBlock)
  rule['properties'] = {
    ...rule['properties'],
    notifiers: { ...rule['properties'].notifiers, ...names(catalogue.list('notifier')) },
    match: { ...jsonSchema(matchBlock), description: rule['properties'].match.description },
    actions: {
      ...rule['properties'].actions,
      items: {
        anyOf: [{ $ref: '#/definitions/action' }, { type: 'string', description: 'Name of a reusable action' }],
      },
    },
  }
  return {
    $schema: DRAFT,
    title: 'Rules of Talon',
    type: ['array', 'null'],
    items: { if: { required: ['rule'] }, then: { $ref: '#/definitions/rule' }, else: { $ref: '#/definitions/action' } },
    definitions: { rule: asWritten({ ...rule, additionalProperties: false }), action: asWritten(action) },
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
        ...known(definitions),
      },
    },
    allOf: definitions.map(({ name, parameters }) => {
      const { required: _, ...open } = jsonSchema(parameters)
      return {
        if: { required: [key], properties: { [key]: { const: name } } },
        then: { properties: { parameters: { ...open, additionalProperties: false } } },
      }
    }),
  }
}

/** Names that an editor offers; others may come from third parties. */
function known(definitions: readonly { readonly name: string; readonly summary: string }[]): object {
  return {
    anyOf: [...definitions.map(({ name, summary }) => ({ const: name, description: summary })), { type: 'string' }],
  }
}

/** JSON Schema of the config file, for editors. What is required may come from the environment. */
export function configSchema(catalogue: Catalogue & { clients(): readonly Client[] }): object {
  const schema = jsonSchema(settingsSchema)
  const sections = catalogue.clients().map(({ name, summary, settings }) => [name, section(settings, summary)])
  const notifiers = catalogue
    .list('notifier')
    .map(({ name, summary, parameters }) => [name, section(parameters, summary)])
  schema['properties'] = { ...schema['properties'], ...Object.fromEntries(sections) }
  schema['properties'].notifiers = { ...schema['properties'].notifiers, properties: Object.fromEntries(notifiers) }
  return { $schema: DRAFT, title: 'Configuration of Talon', ...asWritten(schema) }
}

/** A secret may be written as the path of its file. */
function section(settings: z.ZodObject, description: string): Record<string, any> {
  const { required: _, ...schema } = jsonSchema(settings)
  const secrets = parametersOf(settings).filter(({ secret }) => secret)
  const files = secrets.map(({ name }) => [
    `${name}_file`,
    { type: 'string', description: `Path of a file with ${name}` },
  ])
  return { ...schema, properties: { ...schema['properties'], ...Object.fromEntries(files) }, description }
}
