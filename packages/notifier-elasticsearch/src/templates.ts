import type { Http } from '@talon/client-http'
import { defineClient, TalonError, type Job } from '@talon/plugin'
import { z } from 'zod'
import { addressOf, requestHeaders, type Access } from './access.ts'
import { templateOf, type TemplateSettings } from './template.ts'

/** The index templates that were seen or made since the engine started. */
export interface Templates {
  /** Makes the template where it is missing, once. @throws ActionError where it may work in a moment. */
  ensure(settings: Access & TemplateSettings, http: Http, job: Job): Promise<void>
}

/** Remembers that the index template is there, for as long as the engine lives. */
export const elasticsearchTemplates = defineClient({
  name: 'elasticsearch_templates',
  summary: 'Makes the index template of Elasticsearch or OpenSearch once, where it is missing',
  settings: z.object({}),
  open: rememberTemplates,
})

function rememberTemplates(): Templates {
  const ensured = new Map<string, Promise<void>>()
  return {
    ensure(settings, http, job) {
      const { index } = settings
      const done = ensured.get(index) ?? create(settings, http, job)
      ensured.set(index, done)
      return done.catch((error: unknown) => {
        ensured.delete(index) // a failed try is forgotten, so that there can be another
        throw error
      })
    },
  }
}

/** What a server answers where a template of that name is there. */
const EXISTS = /already exists/

async function create(settings: Access & TemplateSettings, http: Http, { signal, log }: Job): Promise<void> {
  const name = settings.index
  const url = addressOf(settings, `/_index_template/${encodeURIComponent(name)}`, { create: 'true' })
  const headers = requestHeaders(settings, 'application/json')
  try {
    await http.send({ url, method: 'PUT', headers, body: JSON.stringify(templateOf(settings)), signal })
  } catch (error) {
    if (signal.aborted || !TalonError.is(error) || (error.kind === 'action' && error.retryable)) throw error
    if (EXISTS.test(error.message)) return
    // Whoever may only write documents can still do that; what is wrong with the address or the password shows there.
    log.warn('the index template was not made: give the user the right to, or set create_index_template: false', {
      notifier: 'elasticsearch',
      template: name,
      error: error.message,
    })
  }
}
