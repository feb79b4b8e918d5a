import { pod, startSandbox, statefulSet } from '@talon/sandbox'

/** What the pods of the shop have logged: the sandbox runs no program. */
const LOG = ['listening on :8080', 'GET /cart 200', 'POST /avatar 201 avatar.php', 'GET /avatars/avatar.php?cmd=id 200']

/** The cluster that the guide speaks of. */
export interface Shop {
  /** Writes a kubeconfig that leads to it, and gives its path. */
  writeKubeconfig(path: string): string
  close(): Promise<void>
}

/**
 * Starts it, in memory: in the namespace `shop` a StatefulSet `web` of three pods, `web-0` to `web-2`, and a pod `debug`
 * that nobody owns. Commands that are run in a pod print their own text and nothing else.
 */
export async function startShop(): Promise<Shop> {
  const sandbox = await startSandbox({
    log: ({ pod }) => `${[...LOG, `${pod.metadata.name} is up`].join('\n')}\n`,
    exec: ({ command }) => ({ stdout: `${command.join(' ')}\n`, exitCode: 0 }),
  })
  const namespace = 'shop'
  sandbox.seed(statefulSet({ name: 'web', namespace, replicas: 3 }), pod({ name: 'debug', namespace }))
  return { writeKubeconfig: (path) => sandbox.writeKubeconfig(path), close: () => sandbox.close() }
}
