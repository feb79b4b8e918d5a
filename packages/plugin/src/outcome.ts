/** What an action collected. May be opened more than once; reads from its source each time. */
export interface Artifact {
  /** File name, without folders. */
  readonly name: string
  /** Opens the content as a stream; the reader may stop early. */
  open(): AsyncIterable<Uint8Array>
}

/** An artifact that lies whole on disk: what an output gets. */
export interface StoredArtifact extends Artifact {
  /** Bytes. */
  readonly size: number
  /** SHA-256 of the content, hexadecimal. */
  readonly sha256: string
  /** Where it lies, for outputs whose library wants a file. Read only. */
  readonly path: string
}

/** What a plugin reports when it did not throw. */
export interface Result {
  /** `ignored`: the plugin decided not to act, and `message` says why. */
  readonly status: 'success' | 'ignored'
  /** One sentence for people. */
  readonly message: string
  /** What was acted on: `{ pod: 'web-0', namespace: 'default' }`. */
  readonly objects: Readonly<Record<string, string>>
  /** Text that is itself the result, such as what a command printed. Bounded by the plugin. */
  readonly output?: string
  readonly artifact?: Artifact
}

/** The action did what it is for. */
export function done(
  message: string,
  objects: Readonly<Record<string, string>> = {},
  more: Pick<Result, 'output' | 'artifact'> = {},
): Result {
  return { status: 'success', message, objects, ...more }
}

/** The action decided not to act, and `message` says why. */
export function ignored(message: string, objects: Readonly<Record<string, string>> = {}): Result {
  return { status: 'ignored', message, objects }
}
