import type { Kubernetes } from '@talon/client-kubernetes'
import type { Config } from '@talon/core'
import { messageOf, type Logger } from '@talon/plugin'

type Environment = Readonly<Record<string, string | undefined>>

/** Tells what came of a reload as a Kubernetes Event. */
export type TellReload = (result: 'success' | 'failure', note: string) => void

/** Bytes of a note: the API server takes no more. */
const LONGEST = 1024
/** Milliseconds for telling it. */
const TIMEOUT = 5000

/**
 * Puts what came of a reload on the pod that Talon runs in, so that `kubectl describe pod` shows it. Does nothing where
 * the downward API does not name the pod (POD_NAME, POD_NAMESPACE, POD_UID): then this is no pod, or nobody asked for it.
 */
export function reloadEvents(config: Config, env: Environment, log: Logger): TellReload {
  const { POD_NAME: name, POD_NAMESPACE: namespace, POD_UID: uid } = env
  if (!name || !namespace || !uid) return () => {}
  let opened: Promise<Kubernetes> | undefined
  const open = async () => {
    const { kubernetes } = await import('@talon/client-kubernetes')
    return kubernetes.open(kubernetes.settings.parse(config), { log })
  }

  async function tell(result: 'success' | 'failure', note: string): Promise<void> {
    const events = { group: 'events.k8s.io', version: 'v1', resource: 'events', namespace }
    const kubernetes = await (opened ??= open())
    const time = new Date().toISOString().replace('Z', '000Z')
    const event = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { generateName: `${name}-rules-` },
      regarding: { apiVersion: 'v1', kind: 'Pod', name, namespace, uid },
      reason: result === 'success' ? 'RulesReloaded' : 'RulesRefused',
      type: result === 'success' ? 'Normal' : 'Warning',
      action: 'Reload',
      note: Buffer.from(note)
        .subarray(0, LONGEST)
        .toString()
        .replace(/\uFFFD$/, ''),
      eventTime: time,
      reportingController: 'falcosecurity.org/falco-talon',
      reportingInstance: name,
    }
    await kubernetes.create(events, event, { signal: AbortSignal.timeout(TIMEOUT) })
  }
  return (result, note) => {
    tell(result, note).catch((error: unknown) =>
      log.warn('a reload could not be told as a Kubernetes Event', {
        error: messageOf(error),
      }),
    )
  }
}
