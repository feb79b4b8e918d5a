import type { Pod } from './objects.ts'

/** Text or bytes, whole or as they come: what comes in pieces is not kept in memory. */
export type Output = string | Uint8Array | AsyncIterable<string | Uint8Array>

/** What a container is found to do, as `state` of a container's status has it. */
export type ContainerState =
  | { readonly waiting: { readonly reason: string; readonly message?: string } }
  | { readonly running: object }
  | { readonly terminated: { readonly exitCode: number; readonly reason?: string; readonly message?: string } }

/** How a container starts, an ephemeral one or a Job's among them; it runs where undefined. */
export type StartScript = (asked: { readonly pod: Pod; readonly container: string }) => ContainerState | undefined

export async function* piecesOf(output: Output): AsyncIterable<Buffer> {
  if (typeof output === 'string' || output instanceof Uint8Array) yield Buffer.from(output as Uint8Array)
  else for await (const piece of output) yield Buffer.from(piece as Uint8Array)
}
