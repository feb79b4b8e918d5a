import type { ExecCall, Kubernetes } from '@talon/client-kubernetes'
import { ActionError, type Artifact } from '@talon/plugin'
import { streamCommand } from './stream.ts'

/** A program that captures for some seconds and writes what it captured to standard output. */
export interface Capture {
  readonly call: ExecCall
  /** `the capture of the pod 'web-0' in namespace 'default'` */
  readonly what: string
  /** First word of the command. */
  readonly program: string
  /** Bytes of a capture that holds nothing. */
  readonly empty: number
  /** Name of the artifact. */
  readonly name: string
  /** Bytes that are taken at most. */
  readonly limit: number
  /** Statuses of a program that was ended by the clock. */
  readonly ended: readonly number[]
  /** Runs when the capture is over, however it ends. Never throws. */
  readonly after?: () => Promise<void>
}

/**
 * Starts a capture and waits until it holds something, so that one that stays empty can be told as such.
 * @returns undefined where it stayed empty
 * @throws ActionError where the program failed
 */
export async function startCapture(capture: Capture, kubernetes: Kubernetes): Promise<Artifact | undefined> {
  const artifact = await begin(capture, kubernetes).catch(async (error: unknown) => {
    await capture.after?.()
    throw error
  })
  if (!artifact) await capture.after?.()
  return artifact
}

async function begin(capture: Capture, kubernetes: Kubernetes): Promise<Artifact | undefined> {
  const { call, what, program, empty, name, limit, ended } = capture
  const stream = await streamCommand(call, kubernetes, {
    limit,
    over: `${what} is over ${limit} bytes: capture for a shorter time`,
    failed: (status, stderr) =>
      ended.includes(status)
        ? undefined
        : new ActionError(`${what} failed: ${program} ended with status ${status}: ${stderr}`),
    missing: `${what} failed: there is no ${program} in the image; set \`image\` to one that has it`,
  })
  const pieces = stream[Symbol.asyncIterator]()
  const head: Uint8Array[] = []
  let size = 0
  while (size <= empty) {
    const piece = await pieces.next()
    if (piece.done) return undefined
    head.push(piece.value)
    size += piece.value.byteLength
  }

  let taken = false
  return {
    name,
    async *open() {
      if (taken) throw new ActionError(`${what} was read already: what was captured is not there any more`)
      taken = true
      try {
        yield* head
        for (let piece = await pieces.next(); !piece.done; piece = await pieces.next()) yield piece.value
      } finally {
        await pieces.return?.(undefined)
        await capture.after?.()
      }
    },
  }
}
