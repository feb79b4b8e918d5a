import { describe, expect, it } from 'vitest'
import { createSink } from './sink.ts'

function stand() {
  const writes: string[] = []
  let free = true
  let drained = () => {}
  const target = {
    write: (text: string) => (writes.push(text), free),
    once: (_: 'drain', listener: () => void) => void (drained = listener),
  }
  const sink = createSink(target, (lines) => `${lines} dropped`)
  const jam = () => void (free = false)
  const clear = () => {
    free = true
    drained()
  }
  return { sink, writes, jam, clear }
}

describe('lines on their way out', () => {
  it('of one turn of the event loop are one write', async () => {
    const { sink, writes } = stand()
    sink.write('a')
    sink.write('b')
    expect(writes).toEqual([])
    await new Promise(setImmediate)
    expect(writes).toEqual(['a\nb\n'])
  })

  it('go at once where asked, or where they are many', () => {
    const { sink, writes } = stand()
    sink.write('a')
    sink.flush()
    sink.flush()
    expect(writes).toEqual(['a\n'])
    sink.write('x'.repeat(70_000))
    expect(writes).toHaveLength(2)
  })

  it('wait for a slow reader, as many as there is room for, and the rest is counted', () => {
    const { sink, writes, jam, clear } = stand()
    jam()
    sink.write('first')
    sink.flush()
    const line = 'x'.repeat(99_999)
    for (let n = 0; n < 100; n++) sink.write(line)
    expect(writes).toEqual(['first\n'])
    clear()
    const [, text = ''] = writes
    const lines = text.split('\n').slice(0, -1)
    const kept = lines.filter((kept) => kept === line).length
    expect(text.length).toBeLessThan(4.2 * 1024 * 1024)
    expect(kept).toBeGreaterThan(0)
    expect(lines.at(-1)).toBe(`${100 - kept} dropped`)
    sink.write('on')
    sink.flush()
    expect(writes.at(-1)).toBe('on\n')
  })
})
