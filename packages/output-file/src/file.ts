import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ActionError, defineOutput, done, TalonError } from '@talon/plugin'
import { z } from 'zod'
import { failure } from './failure.ts'
import { copy, keep, syncFolder } from './write.ts'

/** Stores artifacts as files of one folder, each whole or not at all. */
export const file = defineOutput({
  name: 'local:file',
  summary: 'Store the artifact as a file in a folder',
  notes: `The folder is made, with its parents, where it is missing; the log says so, because a volume that was not
mounted looks just like it. Files are readable by Talon's user alone (mode 0600).

A file is written beside, into a folder \`.talon-*\`, synced to disk and only then linked to its name: whoever lists the
folder sees it whole or not at all. What a crash leaves in such a folder may be deleted. No file is ever overwritten, but a manifest by its own next version.`,
  parameters: z.object({
    destination: z
      .string()
      .min(1)
      .refine((path) => !path.includes('\0'), 'is no path: it holds a NUL')
      .describe('Folder that the files are stored in; tokens are not replaced in it'),
  }),
  examples: [{ title: 'Keep what was collected', parameters: { destination: '/var/log/falco-talon' } }],
  async run({ artifact, key, replace, parameters, signal, log }) {
    const folder = resolve(parameters.destination)
    const destination = join(folder, segment(key))
    signal.throwIfAborted()
    let beside: string | undefined
    try {
      if (await mkdir(folder, { recursive: true, mode: 0o700 }))
        log.warn('the destination of local:file was missing and has been made', { destination: folder })
      beside = await mkdtemp(join(folder, '.talon-'))
      const part = join(beside, 'part')
      const copied = await copy(artifact.open(), part, signal)
      if (copied.size !== artifact.size || copied.sha256 !== artifact.sha256)
        throw new ActionError(
          `${artifact.name} arrived with other content than was collected: ${copied.size} bytes with SHA-256 ` +
            `${copied.sha256} instead of ${artifact.size} bytes with ${artifact.sha256}; nothing was stored`,
          { retryable: true },
        )
      await (replace ? rename(part, destination) : keep(part, destination, copied.sha256))
      await syncFolder(folder)
      return done(`stored ${artifact.name} as ${destination}`, {
        file: artifact.name,
        destination,
        size: String(copied.size),
        sha256: copied.sha256,
      })
    } catch (error) {
      // What ended the run is its own reason: a timeout is not a broken disk.
      signal.throwIfAborted()
      throw TalonError.is(error) ? error : failure(error, folder, artifact)
    } finally {
      if (beside) await rm(beside, { recursive: true, force: true })
    }
  },
})

/** The engine gives clean keys. A key that is none would leave the folder, so nobody's word is taken for it. */
function segment(key: string): string {
  if (/[/\\\0]/.test(key) || ['', '.', '..'].includes(key))
    throw new ActionError(`${JSON.stringify(key)} is no name of a file: nothing was stored`)
  return key
}
