import type { KubeObject, Pod } from './objects.ts'
import { containerOf } from './pods.ts'
import { badRequest, invalid, wrongValue } from './status.ts'

/** What a container has logged. */
export type LogScript = (asked: { readonly pod: Pod; readonly container: string }) => string

/** Answers `pods/log`: the last lines, then no more than the bytes that are asked for. `follow` and `sinceTime` change nothing. */
export function readLog(object: KubeObject, query: URLSearchParams, script: LogScript): string | Buffer {
  const pod = object as Pod
  const { name } = pod.metadata
  const tailLines = numberIn(query, 'tailLines')
  const limitBytes = numberIn(query, 'limitBytes')
  const wrong = [
    ...(tailLines !== undefined && tailLines < 0
      ? [wrongValue('tailLines', tailLines, 'must be greater than or equal to 0')]
      : []),
    ...(limitBytes !== undefined && limitBytes < 1
      ? [wrongValue('limitBytes', limitBytes, 'must be greater than 0')]
      : []),
  ]
  if (wrong.length) throw invalid({ kind: 'PodLogOptions', group: '' }, name, wrong)
  const container = containerOf(pod, query.get('container'))
  if (!pod.spec.nodeName) return ''
  if (query.get('previous') === 'true')
    throw badRequest(`previous terminated container "${container}" in pod "${name}" not found`)
  const lines = tail(script({ pod, container }), tailLines)
  return limitBytes === undefined ? lines : Buffer.from(lines).subarray(0, limitBytes)
}

function numberIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  if (!/^[+-]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  return Number(text)
}

function tail(text: string, count: number | undefined): string {
  if (count === undefined) return text
  if (count === 0) return ''
  const lines = text.split('\n')
  const end = lines.at(-1) === '' ? [lines.pop() ?? ''] : []
  return [...lines.slice(-count), ...end].join('\n')
}
