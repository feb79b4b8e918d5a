import { describe, expect, it } from 'vitest'
import { untilRunning } from './started.ts'

const { signal } = new AbortController()
const about = { what: 'the container', image: 'registry.test/x:1', signal }
const status = (state: object) => ({ name: 'x', image: '', imageID: '', ready: false, restartCount: 0, state })

describe('a container', () => {
  it('is waited for until it runs', async () => {
    const states = [undefined, status({ waiting: { reason: 'ContainerCreating' } }), status({ running: {} })]
    await untilRunning(() => Promise.resolve(states.shift()), about)
    expect(states).toEqual([])
  })

  it.each([
    [
      { waiting: { reason: 'ImagePullBackOff', message: 'no such host' } },
      'the image registry.test/x:1 could not be pulled (ImagePullBackOff: no such host); set `image`',
    ],
    [
      { waiting: { reason: 'CreateContainerConfigError', message: 'runAsNonRoot' } },
      'CreateContainerConfigError: runAsNonRoot',
    ],
    [{ terminated: { exitCode: 127 } }, 'ended at once with status 127'],
  ])('that will not run is told of: %j', async (state, words) => {
    await expect(untilRunning(() => Promise.resolve(status(state)), about)).rejects.toThrow(words)
  })

  it('is not waited for longer than the run lasts', async () => {
    const ending = new AbortController()
    const waiting = untilRunning(() => Promise.resolve(undefined), { ...about, signal: ending.signal })
    ending.abort(new Error('over'))
    await expect(waiting).rejects.toThrow('aborted')
  })
})
