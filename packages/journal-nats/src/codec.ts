import { gunzipSync, gzipSync } from 'node:zlib'

/** Characters above which a message is compressed: servers take 1 MiB, and an event may be as large before it is stored. */
const LARGE = 64 * 1024

/** The bytes of a JSON text. */
export function encode(text: string): Uint8Array {
  return text.length > LARGE ? gzipSync(text) : Buffer.from(text)
}

/** The text of such bytes, or undefined where they are of somebody else. */
export function readText(data: Uint8Array): string | undefined {
  try {
    return decodeText(data)
  } catch {
    return undefined
  }
}

/** No JSON text begins with the two bytes of gzip. https://www.rfc-editor.org/rfc/rfc1952#page-5 */
export function decodeText(data: Uint8Array): string {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return (data[0] === 0x1f && data[1] === 0x8b ? gunzipSync(bytes) : bytes).toString()
}
