import { setTimeout as sleep } from 'node:timers/promises'
import { isNotFound, jobs, pods, type Job, type Kubernetes, type Write } from '@talon/client-kubernetes'
import { TalonError, type Logger } from '@talon/plugin'
import { explainAdmission, untilRunning } from './started.ts'

/** Where a capturing Job runs. */
export interface JobPlace {
  readonly namespace: string
  readonly node: string
  readonly image: string
  /** Of the capture. */
  readonly seconds: number
}

export interface StartedJob {
  /** Its name. */
  readonly job: string
  readonly pod: string
  readonly uid: string
}

/** Seconds that a Job may live besides its capture, and that it stays when it has ended. */
const SLACK = 60
/** What Pod Security looks at. */
const NEEDS = "the host's process ids and the capabilities BPF, PERFMON, SYS_PTRACE and SYS_RESOURCE"
/** Milliseconds between looks, and that cleaning up may take. */
const PAUSE = 200
const CLEANING = 10_000

/** Puts a Job on the node and waits until its pod runs. @returns undefined in a dry run */
export async function startJob(place: JobPlace, kubernetes: Kubernetes, write: Write): Promise<StartedJob | undefined> {
  const { namespace, node, image } = place
  const what = `the Job for sysdig on the node '${node}'`
  const body = bodyOf(place)
  // Pod Security lets the Job in and keeps its pods away, and only an event would say so: the pod is asked for first.
  const { metadata, spec } = body.spec.template
  const probe = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, generateName: 'talon-sysdig-' }, spec }
  await kubernetes.create({ ...pods, namespace }, probe, { ...write, dryRun: true }).catch((error: unknown) => {
    throw explainAdmission(error, what, NEEDS)
  })
  const created = await kubernetes.create<Job>({ ...jobs, namespace }, body, write)
  if (write.dryRun) return undefined
  const job = created.metadata?.name ?? ''
  try {
    const { name, uid } = await podOf({ namespace, job }, kubernetes, write.signal)
    const look = async () => {
      const { status } = await kubernetes.get({ ...pods, namespace, name }, write.signal)
      return status?.containerStatuses?.[0]
    }
    await untilRunning(look, { what, image, signal: write.signal })
    return { job, pod: name, uid }
  } catch (error) {
    await endJob({ namespace, name: job }, kubernetes)
    throw error
  }
}

/** Pods of a Job take a moment to come. */
async function podOf(
  { namespace, job }: { readonly namespace: string; readonly job: string },
  kubernetes: Kubernetes,
  signal: AbortSignal,
): Promise<{ name: string; uid: string }> {
  for (;;) {
    const [pod] = await kubernetes.list({ ...pods, namespace }, { labelSelector: `job-name=${job}`, signal })
    const { name, uid } = pod?.metadata ?? {}
    if (name !== undefined && uid !== undefined) return { name, uid }
    await sleep(PAUSE, undefined, { signal })
  }
}

/** Deletes the Job and its pod. Never throws: what stays is ended, and deleted, by Kubernetes. */
export async function endJob(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  kubernetes: Kubernetes,
  log?: Logger,
): Promise<void> {
  // The run may be over already, and this is to be done all the same.
  const signal = AbortSignal.timeout(CLEANING)
  await kubernetes
    .remove({ ...jobs, namespace, name }, { propagation: 'Background', signal })
    .catch((error: unknown) => {
      if (isNotFound(error)) return
      const reason = TalonError.is(error) ? error.message : String(error)
      log?.warn('a Job of a capture was not deleted; Kubernetes ends it and deletes it', {
        job: name,
        namespace,
        reason,
      })
    })
}

function bodyOf({ node, image, seconds }: JobPlace) {
  const labels = { 'app.kubernetes.io/managed-by': 'talon', 'app.kubernetes.io/name': 'sysdig' }
  const container = {
    name: 'sysdig',
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['sleep', String(seconds + SLACK)],
    securityContext: {
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsUser: 0,
      capabilities: { drop: ['ALL'], add: ['BPF', 'PERFMON', 'SYS_PTRACE', 'SYS_RESOURCE'] },
    },
  }
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { generateName: 'talon-sysdig-', labels },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: seconds + SLACK,
      ttlSecondsAfterFinished: SLACK,
      template: {
        metadata: { labels },
        spec: {
          nodeName: node,
          hostPID: true,
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: 0,
          // A node that was cordoned, or that is in trouble, is the one to look at.
          tolerations: [{ operator: 'Exists' }],
          containers: [container],
        },
      },
    },
  }
}
