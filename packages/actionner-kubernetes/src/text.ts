/** The beginning of a stream, as text. */
export interface Excerpt {
  readonly text: string
  /** Whether there was more. */
  readonly cut: boolean
}

/** Reads at most `limit` bytes and, where `drain`, discards the rest, so that the sender can end. */
export async function excerptOf(
  source: AsyncIterable<Uint8Array>,
  limit: number,
  { drain = false }: { drain?: boolean } = {},
): Promise<Excerpt> {
  const kept: Uint8Array[] = []
  let room = limit
  let cut = false
  for await (const chunk of source) {
    if (room > 0) kept.push(chunk.subarray(0, room))
    if (chunk.byteLength > room) cut = true
    room = Math.max(0, room - chunk.byteLength)
    if (cut && !drain) break
  }
  // A character that was cut in two shows as U+FFFD otherwise.
  return { text: new TextDecoder().decode(Buffer.concat(kept), { stream: cut }), cut }
}

/** The text, and where it was cut a line that says so. */
export function told({ text, cut }: Excerpt, limit: number): string {
  return cut ? `${text}\n[cut after ${limit / 1024} kB]` : text
}
