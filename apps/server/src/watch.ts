import { watch } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@talon/plugin'

/** Milliseconds: an editor writes in several steps, and so does kubelet. */
const SETTLE = 200
/** Milliseconds until a folder that is gone is looked for again. */
const AGAIN = 5_000

/**
 * Calls `look` each time something happened in the folders of these files, and whenever it began to watch, one call at a
 * time: `look` finds out whether it matters. Whole folders are watched, since editors replace files and a ConfigMap mount
 * changes by a swap of its link `..data`; where a file is a link, the folder that it leads to is watched as well.
 * Ends when the signal aborts.
 */
export async function watchFiles(
  paths: readonly string[],
  look: () => Promise<void>,
  { signal, log }: { readonly signal: AbortSignal; readonly log: Logger },
): Promise<void> {
  let complained = false
  while (!signal.aborted) {
    const ended = new AbortController()
    try {
      // Watching first, looking then: what changes in between is seen.
      const change = nextChange(await foldersOf(paths), AbortSignal.any([signal, ended.signal]))
      await look()
      await change
      complained = false
      await sleep(SETTLE, undefined, { signal, ref: false })
    } catch (error) {
      if (signal.aborted) return
      if (!complained)
        log.warn('files cannot be watched now, and are looked at again later', { files: paths, error: String(error) })
      complained = true
      await sleep(AGAIN, undefined, { signal, ref: false }).catch(() => {})
    } finally {
      ended.abort()
    }
  }
}

async function foldersOf(paths: readonly string[]): Promise<ReadonlySet<string>> {
  const real = await Promise.all(paths.map((path) => realpath(path).catch(() => path)))
  return new Set([...paths, ...real].map((path) => dirname(path)))
}

/** Resolves with the first change in one of the folders. Watches until the signal aborts. */
function nextChange(folders: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  promise.catch(() => {}) // it may fail before anybody waits for it
  signal.addEventListener('abort', () => reject(new Error('no longer watched')), { once: true })
  for (const folder of folders) watch(folder, { persistent: false, signal }, () => resolve()).on('error', reject)
  return promise
}
