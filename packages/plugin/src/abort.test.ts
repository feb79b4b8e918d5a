import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { unlessAborted } from './abort.ts'

describe('a wait for work that takes no signal', () => {
  const never = new Promise<never>(() => {})

  it('ends with the work, and leaves nothing at the signal', async () => {
    const { signal } = new AbortController()
    expect(await unlessAborted(Promise.resolve(7), signal)).toBe(7)
    await expect(unlessAborted(Promise.reject(new Error('no')), signal)).rejects.toThrow('no')
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('ends with the reason of the signal, while the work goes on', async () => {
    const job = new AbortController()
    const waiting = unlessAborted(never, job.signal)
    job.abort(new Error('Talon is stopping'))
    await expect(waiting).rejects.toThrow('Talon is stopping')
  })

  it('does not begin where the signal is aborted already, and work that fails later troubles nobody', async () => {
    const failing = Promise.reject(new Error('too late'))
    await expect(unlessAborted(failing, AbortSignal.abort(new Error('over')))).rejects.toThrow('over')
    await new Promise((resolve) => setImmediate(resolve))
  })
})
