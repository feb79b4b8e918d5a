import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from '@talon/plugin'
import { startSandbox, type Sandbox, type SandboxOptions } from '@talon/sandbox'
import { isNotFound, kubernetes, type Kubernetes, type Target } from '../src/index.ts'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** A sandbox, and the client `kubernetes` on it over HTTP. */
export interface Stand {
  readonly sandbox: Sandbox
  readonly client: Kubernetes
  /** Path of the kubeconfig that leads there; its folder goes when the stand is closed. */
  readonly kubeconfig: string
  /** An object as it is now; undefined where it is not there. */
  readonly find: <T>(target: Target<T>) => Promise<T | undefined>
  readonly close: () => Promise<void>
}

/** Opens both. `log` hears what the client says. */
export async function openStand(options: SandboxOptions = {}, log = silent): Promise<Stand> {
  const folder = mkdtempSync(join(tmpdir(), 'talon-stand-'))
  const sandbox = await startSandbox(options)
  const kubeconfig = sandbox.writeKubeconfig(join(folder, 'kubeconfig'))
  const client = await kubernetes.open({ kubeconfig }, { log })
  return {
    ...{ sandbox, client, kubeconfig },
    find: (target) =>
      client.get(target, new AbortController().signal).catch((error: unknown) => {
        if (isNotFound(error)) return undefined
        throw error
      }),
    async close() {
      await client.close()
      await sandbox.close()
      rmSync(folder, { recursive: true })
    },
  }
}
