import { refusalOf, type ExecCall, type Kubernetes } from '@talon/client-kubernetes'
import { ActionError } from '@talon/plugin'
import { excerptOf } from './text.ts'

/** What is said of a command whose output is an artifact. */
export interface Streaming {
  /** Bytes. */
  readonly limit: number
  readonly over: string
  /** The error of a status that is not 0; undefined where it is fine. */
  readonly failed: (status: number, stderr: string) => ActionError | undefined
  /** What is said where the program is not there. */
  readonly missing: string
}

/** Bytes of standard error that an error tells. */
const TOLD = 2000

/**
 * What a command prints, as a stream that memory holds a piece of. Resolves with its first piece at hand, so that what
 * fails at once fails here. @throws ActionError, also at the end of the stream
 */
export async function streamCommand(
  call: ExecCall,
  kubernetes: Kubernetes,
  { limit, over, failed, missing }: Streaming,
): Promise<AsyncIterable<Uint8Array>> {
  const execution = await kubernetes.exec(call)
  const stderr = excerptOf(execution.stderr, TOLD, { drain: true })
  stderr.catch(() => {}) // told by `status`
  const pieces = execution.stdout[Symbol.asyncIterator]()

  async function finish(): Promise<void> {
    const status = await execution.status.catch((error: unknown) => {
      throw isMissing(error) ? new ActionError(missing, { cause: error }) : error
    })
    const error = status === 0 ? undefined : failed(status, (await stderr).text.trim())
    if (error) throw error
  }

  const first = await pieces.next()
  if (first.done) await finish()

  async function* all(): AsyncGenerator<Uint8Array> {
    let size = 0
    try {
      for (let piece = first; !piece.done; piece = await pieces.next()) {
        size += piece.value.byteLength
        if (size > limit) throw new ActionError(over)
        yield piece.value
      }
      if (!first.done) await finish()
    } finally {
      execution.stop()
    }
  }
  return all()
}

/** The runtime's words for a program that is not there. */
export function isMissing(error: unknown): boolean {
  const { message = '' } = refusalOf(error) ?? {}
  return /no such file or directory|executable file not found|not found in \$PATH/.test(message)
}
