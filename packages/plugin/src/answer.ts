/**
 * Reads the first `limit` bytes of an answer as UTF-8 and lets the rest go, with its connection where there is one: what
 * another side sends may be longer than the memory that there is.
 */
export async function beginningOf(body: AsyncIterable<Uint8Array>, limit: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    size += chunk.byteLength
    if (size >= limit) break
  }
  return Buffer.concat(chunks).subarray(0, limit).toString('utf8')
}

/**
 * What another side said, fit for an error: on one line, without characters that a terminal obeys or that nobody sees, and
 * cut after `limit` characters.
 */
export function excerptOf(text: string, limit: number): string {
  const line = text.replaceAll(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  return line.length > limit ? `${line.slice(0, limit).toWellFormed()}…` : line
}

/**
 * What the header `Retry-After` asks for, in milliseconds: seconds, or a date (RFC 9110, section 10.2.3). Undefined
 * where it is missing or neither.
 * @param now epoch milliseconds
 */
export function retryAfterOf(header: string | readonly string[] | undefined, now: number): number | undefined {
  const text = (typeof header === 'string' ? header : header?.[0])?.trim()
  if (!text) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, Math.round(date - now))
}
