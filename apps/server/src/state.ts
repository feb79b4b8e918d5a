import { constants } from 'node:fs'
import { access, mkdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Config } from '@talon/core'
import { ConfigError } from '@talon/plugin'

type Environment = Readonly<Record<string, string | undefined>>

/** Where the journal lies: where the settings say, else where the system keeps such things. */
export function journalPath({ journal }: Config, env: Environment): string {
  return journal.path ?? stateFolder(env)
}

/** Where artifacts lie on their way: where the settings say, else beside the journal. */
export function spoolPath(config: Config, env: Environment): string {
  return config.spool.path ?? join(journalPath(config, env), 'spool')
}

/** `/var/lib/talon` in Kubernetes, else the user's own folder. https://specifications.freedesktop.org/basedir-spec/ */
function stateFolder(env: Environment): string {
  if (env['KUBERNETES_SERVICE_HOST']) return '/var/lib/talon'
  return join(env['XDG_STATE_HOME'] || join(homedir(), '.local/state'), 'talon')
}

/** Makes the folder where it is missing. @throws ConfigError with the way out where it cannot be written. */
export async function ensureWritable(path: string, setting: string): Promise<void> {
  try {
    await makeFolder(path)
    await access(path, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new ConfigError(
      `${path} cannot be written (${(error as NodeJS.ErrnoException).code ?? String(error)}): ` +
        `mount a volume there, or set ${setting} (${setting.toUpperCase().replaceAll('.', '_')}) to a folder that this user may write`,
    )
  }
}

/** Node's own way of making all folders of a path never ends where one can be neither found nor made, as below /proc. */
async function makeFolder(path: string): Promise<void> {
  const isFolder = async () => (await stat(path).catch(() => undefined))?.isDirectory() ?? false
  if (await isFolder()) return
  if (dirname(path) !== path) await makeFolder(dirname(path))
  await mkdir(path, { mode: 0o700 }).catch(async (error: unknown) => {
    // Another server that starts may have been faster.
    if (!(await isFolder())) throw error
  })
}
