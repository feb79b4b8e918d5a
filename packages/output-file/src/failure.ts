import { ActionError, messageOf, type StoredArtifact } from '@talon/plugin'
import { codeOf } from './write.ts'

/** What to do about an error of the file system, where there is something. */
const ADVICE: Readonly<Record<string, string>> = {
  EACCES: "let Talon's user write there",
  EPERM: "let Talon's user write there",
  EROFS: 'the file system is read only: mount a volume there, or choose another `destination`',
  ENOTDIR: 'a part of the path is a file: choose a folder as `destination`',
  EEXIST: 'a part of the path is a file: choose a folder as `destination`',
  ENOENT: 'the path leads nowhere: choose a folder as `destination`',
  ENAMETOOLONG: 'the name is too long for the file system: shorten the path of `destination`',
  ENOSPC: 'no room is left: free some, or choose another `destination`',
  EDQUOT: 'the quota is used up: free some room, or choose another `destination`',
}

/** Room may be made in a moment. */
const PASSING = new Set(['ENOSPC', 'EDQUOT'])

/** An error of the file system, or of the artifact's source, in words that say what to do. */
export function failure(error: unknown, folder: string, { name, size }: StoredArtifact): ActionError {
  const code = codeOf(error)
  const why = messageOf(error)
  const advice = ADVICE[code]
  return new ActionError(`${name} (${size} bytes) was not stored in ${folder}: ${why}${advice ? `; ${advice}` : ''}`, {
    cause: error,
    // What is no known error of the file system came from the artifact's source, which can be read again.
    retryable: !advice || PASSING.has(code),
  })
}
