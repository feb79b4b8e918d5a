const text = (ignoreAbove: number) => ({
  type: 'text',
  fields: { keyword: { type: 'keyword', ignore_above: ignoreAbove } },
})
const keyword = { type: 'keyword', ignore_above: 1024 }

/** Above the templates that Elasticsearch brings (100); of two that fit, the one with the longer name is meant. */
const PRIORITY = 200

/** What an index template is made of. */
export interface TemplateSettings {
  readonly index: string
  readonly number_of_shards: number
  readonly number_of_replicas: number
}

/**
 * The index template: the fields of Falco Talon have its types (text, and `.keyword` for exact matches), so that its
 * dashboards find them. Nothing is guessed from values: they may be hostile.
 */
export function templateOf({ index, number_of_shards, number_of_replicas }: TemplateSettings) {
  return {
    index_patterns: [index, `${index}-*`],
    priority: PRIORITY + index.length,
    template: {
      settings: { number_of_shards, number_of_replicas },
      mappings: {
        date_detection: false,
        numeric_detection: false,
        dynamic_templates: [{ texts: { match_mapping_type: 'string', mapping: text(256) } }],
        properties: {
          id: keyword,
          time: { type: 'date' },
          message: text(128),
          status: text(128),
          summary: text(1024),
          output: text(2048),
          error: text(256),
          rule: text(128),
          action: text(128),
          actionner: text(128),
          output_target: text(128),
          dry_run: { type: 'boolean' },
          duration_ms: { type: 'double' },
          objects: { properties: { namespace: text(128), pod: text(128) } },
          event: text(1024),
          priority: text(128),
          source: text(128),
          trace_id: text(256),
          falco: {
            properties: {
              id: keyword,
              rule: text(256),
              time: { type: 'date' },
              hostname: keyword,
              tags: keyword,
              output_fields: keyword,
            },
          },
        },
      },
    },
    _meta: { description: 'index template for falco talon logs' },
  }
}
