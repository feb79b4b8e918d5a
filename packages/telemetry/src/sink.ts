/** Where lines go in the end: standard output, a file, a test. */
export interface LineTarget {
  write(text: string): boolean
  once(event: 'drain', listener: () => void): unknown
}

export interface Sink {
  readonly write: (line: string) => void
  /** Hands over what waits, at once. */
  readonly flush: () => void
}

/** Characters that are handed over at once, and that may wait while the reader is behind. */
const CHUNK = 64 * 1024
const BACKLOG = 4 * 1024 * 1024

/**
 * Gathers the lines of one turn of the event loop into one write: standard output costs a system call a write. Where
 * the reader is behind, a bounded part waits; what does not fit is counted, and `dropped` is told once there is room.
 */
export function createSink(target: LineTarget, dropped: (lines: number) => string): Sink {
  let waiting = ''
  let scheduled = false
  let blocked = false
  let lost = 0

  function flush(): void {
    scheduled = false
    if (blocked || !waiting) return
    const text = waiting
    waiting = ''
    if (target.write(text)) return
    blocked = true
    target.once('drain', () => {
      blocked = false
      if (lost) waiting += dropped(lost) + '\n'
      lost = 0
      flush()
    })
  }

  return {
    write(line) {
      if (waiting.length + line.length > BACKLOG) {
        lost += 1
        return
      }
      waiting += line + '\n'
      if (blocked) return
      if (waiting.length >= CHUNK) flush()
      else if (!scheduled) {
        scheduled = true
        setImmediate(flush)
      }
    },
    flush,
  }
}
