import type { Http } from '@talon/client-http'
import { ActionError, excerptOf } from '@talon/plugin'
import { addressOf, requestHeaders, type Access } from './access.ts'
import { isStored, isTransient, itemsOf, REASONS, VERDICTS, type Item } from './bulk.ts'

/** Where documents go. */
export interface Target {
  readonly access: Access
  readonly http: Http
  readonly signal: AbortSignal
}

/**
 * Stores the documents of one portion.
 * @throws ActionError `retryable` where the server had no room for one of them; what is stored already stays so.
 */
export async function store(actions: readonly string[], target: Target): Promise<void> {
  const items = await bulk(actions, VERDICTS, target)
  if (items.length !== actions.length)
    throw new ActionError(`${originOf(target)} answered for ${items.length} of ${actions.length} documents`)
  const failed = items.filter((item) => !isStored(item))
  const [first] = failed
  if (!first) return
  const count = `${originOf(target)} did not take ${failed.length} of ${actions.length} documents`
  const transient = failed.find(isTransient)
  if (transient) throw new ActionError(`${count}: ${wordsOf(transient)}`, { retryable: true })
  // A document that is refused for its content is refused again: asked alone, the answer has room for the reason.
  const asked = await bulk([actions[items.indexOf(first)]!], REASONS, target).catch(() => [])
  throw new ActionError(`${count}, and would not at another try: ${wordsOf(asked[0]?.error ? asked[0] : first)}`)
}

async function bulk(actions: readonly string[], filter: string, { access, http, signal }: Target): Promise<Item[]> {
  const url = addressOf(access, '/_bulk', { filter_path: filter })
  const headers = requestHeaders(access, 'application/x-ndjson')
  const { body } = await http.send({ url, method: 'POST', headers, body: actions.join(''), signal })
  try {
    return itemsOf(body)
  } catch (cause) {
    const message = `${new URL(url).origin} did not answer as Elasticsearch does: check the url of notifiers.elasticsearch`
    throw new ActionError(message, { cause })
  }
}

const originOf = ({ access }: Target) => new URL(addressOf(access, '', {})).origin

/** Characters of a reason that an error repeats: it quotes the document. */
const REASON = 300

function wordsOf({ status, error }: Item): string {
  return [status, error?.type, excerptOf(error?.reason ?? '', REASON)].filter(Boolean).join(' ')
}
