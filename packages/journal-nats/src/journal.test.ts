import { afterAll, beforeAll } from 'vitest'
import { checkJournal } from '../../core/src/journal-suite.fixture.ts'
import { startNats, type NatsServer } from './nats.fixture.ts'
import { openStand } from './stand.fixture.ts'

let nats: NatsServer
beforeAll(async () => {
  nats = await startNats()
})
afterAll(() => nats.close())

checkJournal('the journal in NATS', (maxEvents) => openStand(nats.url, { maxEvents }), true)
