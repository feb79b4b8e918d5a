import { pods, type FoundPod, type Kubernetes, type PodJob } from '@talon/client-kubernetes'
import { ActionError, done, type Result } from '@talon/plugin'
import { shellCall, type Program } from './shell.ts'
import { isMissing } from './stream.ts'
import { excerptOf, told } from './text.ts'

/** Bytes of each of standard output and standard error that are kept. */
const KEPT = 256 * 1024

/** What exec and script share: a program for a shell in one container. */
export interface Command extends Program {
  readonly container: string
  /** `command`, `script` */
  readonly what: string
}

/** Runs the program in the container and gives back what it printed. @throws ActionError where its status is not 0 */
export async function runCommand(
  { signal, dryRun }: PodJob & { readonly dryRun: boolean },
  pod: FoundPod,
  { container, what, ...program }: Command,
  kubernetes: Kubernetes,
): Promise<Result> {
  const { name, namespace, uid } = pod.metadata
  const objects = { pod: name, namespace, container }
  const where = `in the container '${container}' of the pod '${name}' in namespace '${namespace}'`
  const call = shellCall(program)
  if (dryRun) {
    // The authorizer of newer clusters wants both for a command over a WebSocket.
    for (const verb of ['get', 'create'])
      await kubernetes.demand(verb, { ...pods, namespace, name, subresource: 'exec' }, signal)
    const names = Object.keys(program.variables)
    const given = names.length ? `, with ${names.join(', ')}` : ''
    return done(`dry run: the ${what} would run ${where}${given}`, objects, { output: program.text })
  }
  const execution = await kubernetes.exec({ namespace, pod: name, uid, container, ...call, signal })
  const [stdout, stderr, status] = await Promise.all([
    excerptOf(execution.stdout, KEPT, { drain: true }),
    excerptOf(execution.stderr, KEPT, { drain: true }),
    execution.status.catch((error: unknown) => {
      throw withoutShell(error, program.shell, where)
    }),
  ])
  const errors = told(stderr, KEPT)
  const output = [told(stdout, KEPT), ...(errors ? [`[stderr]\n${errors}`] : [])].filter(Boolean).join('\n')
  if (status !== 0) throw new ActionError(`the ${what} ${where} ended with status ${status}`, { output })
  return done(`the ${what} ran ${where} and ended with status 0`, { ...objects, status: '0' }, { output })
}

/** The runtime's words for a program that is not there. */
function withoutShell(error: unknown, shell: string, where: string): unknown {
  if (!isMissing(error)) return error
  return new ActionError(
    `there is no shell ${shell} ${where}: set \`shell\` to one that its image has, or use another actionner`,
    { cause: error },
  )
}
