import type { JsMsg } from '@nats-io/jetstream'
import type { Work } from '@talon/core'
import { expect, it } from 'vitest'
import { eventOf } from '../../core/src/journal.fixture.ts'
import { Intake, type Taken } from './intake.ts'
import type { Link } from './link.ts'
import { namesOf } from './subjects.ts'
import { quiet } from './stand.fixture.ts'

it('hands on what it took of the backlog before NATS failed: it holds that, and nobody else gets it', async () => {
  const never = new Promise<never>(() => {})
  // A mock: NATS cannot be made to fail between two messages.
  async function* cut(): AsyncGenerator<JsMsg> {
    yield { seq: 1 } as JsMsg
    throw new Error('heartbeats missed')
  }
  const fetches = [cut()]
  const fetch = async () => Object.assign(fetches.pop() ?? (await never), { stop: () => {} })
  const link = {
    ready: async () => {},
    js: { consumers: { get: async (_: string, lane: string) => (lane === 'other' ? { fetch } : never) } },
    jsm: { consumers: { info: async (_: string, lane: string) => ({ num_pending: lane === 'other' ? 2 : 0 }) } },
  } as unknown as Link
  const work: Work = { entry: { event: eventOf('1'), steps: {}, notes: {}, repeats: 0 } }
  const take = async (): Promise<Taken> => ({ work, seq: 1 })
  const intake = new Intake({ link, names: namesOf('t'), last: 1, take, repair: async () => {}, log: quiet })
  const { value } = await intake.work().next()
  expect(value).toBe(work)
  await intake.close()
})
