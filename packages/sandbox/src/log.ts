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
  checkStarted(pod, container)
  if (query.get('previous') === 'true')
    throw badRequest(`previous terminated container "${container}" in pod "${name}" not found`)
  const lines = tail(script({ pod, container }), tailLines)
  return limitBytes === undefined ? lines : Buffer.from(lines).subarray(0, limitBytes)
}

/** Why kubelet has no log, by the reason why the container waits. */
const WAITING: Readonly<Record<string, string>> = {
  ErrImagePull: "image can't be pulled",
  ImagePullBackOff: 'trying and failing to pull image',
}

/** @throws ApiError 400 where the container waits to start */
function checkStarted({ metadata, status = {} }: Pod, container: string): void {
  const all = [...(status.containerStatuses ?? []), ...(status.ephemeralContainerStatuses ?? [])]
  const found = all.find(({ name }) => name === container) as { state?: { waiting?: { reason: string } } } | undefined
  const reason = found?.state?.waiting?.reason
  if (reason !== undefined)
    throw badRequest(
      `container "${container}" in pod "${metadata.name}" is waiting to start: ${WAITING[reason] ?? reason}`,
    )
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
