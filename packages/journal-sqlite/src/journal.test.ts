import { checkJournal } from '../../core/src/journal-suite.fixture.ts'
import { openStand } from './stand.fixture.ts'

checkJournal('the journal on disk', (maxEvents) => openStand({ maxEvents }), true)
