import { randomFillSync } from 'node:crypto'
import { v7 } from 'uuid'

/** Bytes of randomness in one id, and how many ids' worth is drawn at once. */
const SIZE = 16
const DRAWN = 256

/**
 * Gives ids, UUIDs of version 7: later ones sort after those of earlier milliseconds. Randomness is drawn for many at
 * once, since asking the system for it costs several microseconds, however much it gives.
 */
export function createIds(): () => string {
  const drawn = new Uint8Array(SIZE * DRAWN)
  let next = drawn.length
  return () => {
    if (next === drawn.length) {
      randomFillSync(drawn)
      next = 0
    }
    const random = drawn.subarray(next, (next += SIZE))
    return v7({ random })
  }
}
