import { customHeaders, http, webAddress } from '@talon/client-http'
import { defineNotifier, done } from '@talon/plugin'
import { z } from 'zod'
import { addressOf } from './access.ts'
import { portionsOf } from './bulk.ts'
import { indexName, suffixes } from './index-name.ts'
import { store } from './store.ts'
import { elasticsearchTemplates } from './templates.ts'

/** Stores reports in Elasticsearch or OpenSearch, many at once. */
export const elasticsearch = defineNotifier({
  name: 'elasticsearch',
  summary: 'Store each result in Elasticsearch or OpenSearch',
  notes: `Reports that wait are stored up to 500 at once, through the bulk API. Each document has the id of its report, so that a
report that is sent again makes no second document.

The index is \`<index>-<UTC date of the report>\`: \`falco-talon-2026.11.24\` as a rule. The index template, named as the
index, is made once where it is missing; one that is there, such as Falco Talon's own, stays as it is. The user needs the
rights to create documents and indices, and to read and write index templates where \`create_index_template\` is on.

Fields have fixed names. The output fields of an event are a list, \`falco.output_fields: ["proc.name=sh", …]\`, so that no event
adds fields to an index.

After 429, 5xx, a timeout or a broken connection it is tried again; what a server refuses for good fails with its reason.`,
  uses: { http, templates: elasticsearchTemplates },
  batch: 500,
  parameters: z
    .object({
      url: webAddress.optional().describe('Address of the server; user and password in it become basic authentication'),
      host_port: webAddress.optional().describe('Older spelling of `url`'),
      user: z.string().optional().describe('User for basic authentication; needs `password`'),
      password: z.string().optional().meta({ secret: true }).describe('Password of `user`'),
      index: indexName.default('falco-talon').describe('Index, before its suffix'),
      suffix: z.enum(suffixes).default('daily').describe('How often a new index begins'),
      create_index_template: z
        .boolean()
        .default(true)
        .describe('Whether the index template is made where it is missing'),
      number_of_shards: z.number().int().min(1).default(3).describe('Shards of each index, in the template'),
      number_of_replicas: z.number().int().min(0).default(3).describe('Replicas of each shard, in the template'),
      custom_headers: customHeaders.describe('Headers besides, such as `Authorization: ApiKey …`'),
    })
    .refine(({ url, host_port }) => url || host_port, { path: ['url'], message: 'is missing' }),
  examples: [
    { title: 'A server in the cluster', parameters: { url: 'http://opensearch.logging:9200', number_of_replicas: 1 } },
    {
      title: 'With a password, one index a month',
      parameters: { url: 'https://es.example.org:9200', user: 'talon', password: '<password>', suffix: 'monthly' },
    },
    {
      title: 'With an API key',
      parameters: { url: 'https://es.example.org:9200', custom_headers: { Authorization: 'ApiKey <key>' } },
    },
  ],
  async run({ reports, parameters, signal, log }, { http, templates }) {
    if (parameters.create_index_template) await templates.ensure(parameters, http, { signal, log })
    const { index, suffix } = parameters
    for (const actions of portionsOf(reports, index, suffix)) await store(actions, { access: parameters, http, signal })
    return done(`told ${new URL(addressOf(parameters, '', {})).origin}`)
  },
})
