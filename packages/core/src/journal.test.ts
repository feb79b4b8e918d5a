import { checkJournal } from './journal-suite.fixture.ts'
import { memoryJournal } from './memory.ts'

checkJournal(
  'the journal in memory',
  async (maxEvents) => {
    let time = 0
    const journal = memoryJournal({ maxEvents, now: () => time })
    return { journal, pass: (milliseconds) => void (time += milliseconds), close: () => journal.close() }
  },
  false,
)
