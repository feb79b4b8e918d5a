import type { ServerResponse } from 'node:http'
import type { KubeObject } from './objects.ts'
import type { Call } from './requests.ts'
import { fieldMatcher, matchesLabels } from './selectors.ts'
import { statusOf } from './status.ts'
import type { Change, Store } from './store.ts'

export const isWatch = ({ method, query }: Call) => method === 'GET' && ['true', '1'].includes(query.get('watch') ?? '')

/** Answers a watch: a line of JSON a change, until the client leaves or its `timeoutSeconds` are over. */
export function watch(store: Store, { kind, namespace, name, query }: Call, response: ServerResponse): void {
  const from = Number(query.get('resourceVersion') ?? 0)
  const labels = query.get('labelSelector')
  const fields = fieldMatcher(query.get('fieldSelector'), kind)
  matchesLabels(labels)
  const isSeen = (object: KubeObject | undefined) =>
    object !== undefined &&
    (namespace === undefined || object.metadata.namespace === namespace) &&
    (name === undefined || object.metadata.name === name) &&
    matchesLabels(labels, object.metadata.labels) &&
    fields(object)
  const send = (type: string, object: unknown) => response.write(`${JSON.stringify({ type, object })}\n`)

  response.writeHead(200, { 'content-type': 'application/json' })
  response.flushHeaders()
  if (from === 0) for (const object of store.list(kind, namespace)) if (isSeen(object)) send('ADDED', object)
  const stop = store.watch(from, (change) => {
    const type = change.kind.group === kind.group && change.kind.plural === kind.plural && told(change, isSeen)
    if (type) send(type, change.object)
  })
  if (!stop) {
    const message = `too old resource version: ${from} (${store.version})`
    send('ERROR', statusOf({ code: 410, reason: 'Expired', message }))
    response.end()
    return
  }
  const seconds = Number(query.get('timeoutSeconds') ?? 0)
  const timer = seconds ? setTimeout(() => response.end(), seconds * 1000).unref() : undefined
  response.on('close', () => {
    stop()
    clearTimeout(timer)
  })
}

/** An object that a change brings under the selectors was added as far as this watch sees, one that leaves them deleted. */
function told(
  { type, object, before }: Change,
  isSeen: (object: KubeObject | undefined) => boolean,
): string | undefined {
  const [was, is] = [isSeen(before), isSeen(object)]
  if (type !== 'MODIFIED') return is ? type : undefined
  if (was && is) return 'MODIFIED'
  if (was) return 'DELETED'
  return is ? 'ADDED' : undefined
}
