import { setTimeout as sleep } from 'node:timers/promises'
import type { Pod } from '@talon/client-kubernetes'
import { ActionError } from '@talon/plugin'

type Status = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number]

/** Reasons of a container that waits for an image that does not come. */
const PULL = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'RegistryUnavailable',
])
/** Reasons of a container that will not start. */
const REFUSED = new Set([
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
  'PreCreateHookError',
])
/** Milliseconds between looks. */
const PAUSE = 200

/** Waits until a container runs. @throws ActionError where it never will */
export async function untilRunning(
  look: () => Promise<Status | undefined>,
  { what, image, signal }: { readonly what: string; readonly image: string; readonly signal: AbortSignal },
): Promise<void> {
  for (;;) {
    const { running, waiting, terminated } = (await look())?.state ?? {}
    if (running) return
    const { reason = '', message = '' } = waiting ?? {}
    if (PULL.has(reason))
      throw new ActionError(
        `${what} did not start: the image ${image} could not be pulled (${reason}${message && `: ${message}`}); set \`image\` to one that the node can have`,
      )
    if (REFUSED.has(reason)) throw new ActionError(`${what} did not start: ${reason}${message && `: ${message}`}`)
    if (terminated)
      throw new ActionError(
        `${what} ended at once with status ${terminated.exitCode}${terminated.message ? `: ${terminated.message}` : ''}`,
      )
    await sleep(PAUSE, undefined, { signal })
  }
}

/** Adds to what Pod Security says what can be done about it. */
export function explainAdmission(error: unknown, what: string, needs: string): unknown {
  if (!(error instanceof Error) || !error.message.includes('PodSecurity')) return error
  return new ActionError(
    `${what} is not let in by Pod Security: it needs ${needs}; lower the namespace's level (pod-security.kubernetes.io/enforce), or exempt Talon's user. ${error.message}`,
    { cause: error.cause },
  )
}
