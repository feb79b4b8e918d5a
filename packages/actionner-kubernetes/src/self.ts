import { hostname } from 'node:os'
import type { Kubernetes, Pod } from '@talon/client-kubernetes'
import { TalonError } from '@talon/plugin'

interface Review {
  readonly status?: { readonly userInfo?: { readonly extra?: Readonly<Record<string, readonly string[]>> } }
}

/** Whether a pod is Talon's own. The token of a pod says which one it was given to; where it does not, the host's name does. */
export async function isSelf(
  kubernetes: Pick<Kubernetes, 'create'>,
  signal: AbortSignal,
): Promise<(pod: Pod) => boolean> {
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
  const reviews = { group: 'authentication.k8s.io', version: 'v1', resource: 'selfsubjectreviews' }
  const { status } = await kubernetes.create<Review>(reviews, review, { signal }).catch((error: unknown): Review => {
    if (TalonError.is(error)) return {}
    throw error
  })
  const [uid] = status?.userInfo?.extra?.['authentication.kubernetes.io/pod-uid'] ?? []
  if (uid !== undefined) return ({ metadata }) => metadata?.uid === uid
  const host = hostname()
  return ({ metadata }) => metadata?.name === host
}
