import { setTimeout as sleep } from 'node:timers/promises'
import { isNotFound, isReplaced, pods, refusalOf, type Kubernetes, type Pod } from '@talon/client-kubernetes'
import { messageOf, TalonError } from '@talon/plugin'

/** What became of a pod. */
export interface Fate {
  readonly pod: Pod
  readonly end: 'evicted' | 'ignored' | 'failed'
  readonly reason?: string
}

export interface Eviction {
  readonly wait: {
    readonly seconds: number
    /** Namespaces that are not waited for. */
    readonly except: readonly string[]
  }
  /** Seconds. */
  readonly gracePeriod?: number | undefined
  readonly dryRun: boolean
  readonly signal: AbortSignal
}

/** How many pods are evicted side by side. */
const AT_ONCE = 10
/** Milliseconds between looks. */
const PAUSE = 1000

/** Evicts pods side by side. Never throws for one of them; ends when the run ends. */
export async function evictAll(all: readonly Pod[], how: Eviction, kubernetes: Kubernetes): Promise<Fate[]> {
  const fates: Fate[] = []
  const queue = all.values()
  const patience = AbortSignal.timeout(how.wait.seconds * 1000)
  const worker = async () => {
    for (const pod of queue) fates.push({ pod, ...(await evict(pod, how, patience, kubernetes)) })
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return fates
}

async function evict(
  pod: Pod,
  how: Eviction,
  patience: AbortSignal,
  kubernetes: Kubernetes,
): Promise<Omit<Fate, 'pod'>> {
  const { name = '', namespace = '', uid } = pod.metadata ?? {}
  const { dryRun, signal, gracePeriod, wait } = how
  const waits = wait.seconds > 0 && !dryRun && !wait.except.includes(namespace)
  const body = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace },
    deleteOptions: {
      preconditions: { uid },
      ...(gracePeriod !== undefined && { gracePeriodSeconds: gracePeriod }),
      ...(dryRun && { dryRun: ['All'] }),
    },
  }
  const target = { ...pods, namespace, name }
  let lastly = ''
  let evicted = false
  try {
    while (!(await evictOnce())) await pause(PAUSE)
    evicted = true
    if (waits) while (await isThere()) await pause(PAUSE)
    return { end: 'evicted' }
  } catch (error) {
    signal.throwIfAborted()
    if (isNotFound(error)) return { end: 'ignored', reason: 'it was gone already' }
    if (isReplaced(error)) return { end: 'ignored', reason: 'it was replaced meanwhile' }
    if (patience.aborted && !TalonError.is(error))
      return {
        end: 'failed',
        reason: evicted
          ? `it was evicted, and had not ended after ${wait.seconds} s`
          : `it could not be evicted within ${wait.seconds} s: ${lastly}`,
      }
    return { end: 'failed', reason: messageOf(error) }
  }

  async function evictOnce(): Promise<boolean> {
    try {
      await kubernetes.create({ ...target, subresource: 'eviction' }, body, { dryRun, signal })
      return true
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal?.code !== 429 || !waits || patience.aborted) throw error
      lastly = refusal.message
      return false
    }
  }
  async function isThere(): Promise<boolean> {
    const now = await kubernetes.get(target, signal).catch((error: unknown) => {
      if (isNotFound(error)) return undefined
      throw error
    })
    return now?.metadata?.uid === uid
  }
  async function pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: AbortSignal.any([signal, patience]) })
  }
}

/** Names that a list in the message shows. */
const SHOWN = 5

/** What is told of all: a sentence that counts and names, and a line for each pod. */
export function inWords(node: string, fates: readonly Fate[], dryRun: boolean) {
  const nameOf = ({ pod: { metadata } }: Fate) => `${metadata?.namespace}/${metadata?.name}`
  const of = (end: Fate['end']) => fates.filter((fate) => fate.end === end)
  const part = (end: Fate['end']) => {
    const names = of(end).map(nameOf)
    const shown = names.slice(0, SHOWN).join(', ') + (names.length > SHOWN ? ', ...' : '')
    return `${names.length} ${end}${shown && ` (${shown})`}`
  }
  const message = `${dryRun ? 'dry run: ' : ''}pods of the node '${node}': ${part('evicted')}, ${part('ignored')}, ${part('failed')}`
  const lines = fates.map((fate) => `${fate.end} ${nameOf(fate)}${fate.reason ? `: ${fate.reason}` : ''}`)
  return { message, output: lines.toSorted().join('\n'), failed: of('failed').length > 0 }
}
