import { setTimeout as sleep } from 'node:timers/promises'
import { ActionError, TalonError } from '@talon/plugin'
import { wordsOf, type ObjectToBe } from './object.ts'
import { openSession, type Line, type Progress, type Session } from './session.ts'

/** How often in a row an upload that makes no headway is resumed. */
const RESUMES = 3
/** Milliseconds before an upload is resumed, doubled each time. */
const PAUSE = 500
/** Longer waits, which the server may ask for, are core's. */
const LONGEST = 10_000

/**
 * Uploads the file at `path`. What breaks is resumed where it stopped; what fails is cancelled, and leaves no object.
 * False: an object of that name is there already.
 * @throws ActionError that says whether another try makes sense.
 */
export async function upload(object: ObjectToBe, path: string, line: Line): Promise<boolean> {
  const session = await openSession(object, path, line)
  if (!session) return false
  try {
    for (let offset = 0, resumed = 0; ;) {
      const progress = await session.send(offset).catch((error: unknown) => resume(error, session, resumed, line))
      if (typeof progress === 'string') return progress === 'stored'
      resumed = progress > offset ? 0 : resumed + 1
      if (resumed > RESUMES)
        throw new ActionError(`${wordsOf(object).purpose}: it stops at ${progress} of ${object.size} bytes`, {
          retryable: true,
        })
      offset = progress
    }
  } catch (error) {
    await session.cancel()
    line.signal.throwIfAborted()
    throw error
  }
}

/** Waits, and asks how far it is. @throws what broke it, where it cannot go on. */
async function resume(error: unknown, session: Session, resumed: number, { signal, log }: Line): Promise<Progress> {
  signal.throwIfAborted()
  if (!TalonError.is(error) || error.kind !== 'action' || !error.retryable || resumed >= RESUMES) throw error
  const pause = error.retryAfter ?? PAUSE * 2 ** resumed
  if (pause > LONGEST) throw error
  log.info('an upload broke and is resumed', { error: error.message })
  await sleep(pause, undefined, { signal })
  return session.ask().catch(() => {
    throw error
  })
}
