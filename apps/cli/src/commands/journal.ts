import { stripVTControlCharacters } from 'node:util'
import { readSetup, type Role } from '@talon/core'
import { ConfigError } from '@talon/plugin'
import { onDisk } from '../journal/on-disk.ts'
import { overHttp } from '../journal/over-http.ts'
import { ownToken } from '../journal/own-token.ts'
import type { JournalSource, Line } from '../journal/source.ts'
import { namedServer } from '../own-server.ts'
import type { GlobalOptions } from '../command.ts'
import { printTable } from '../table.ts'

interface JournalOptions extends GlobalOptions {
  readonly args: readonly string[]
  /** Of a running server; without it the one of the config file, else the journal on this disk. */
  readonly server?: string
  readonly state?: Line['state']
  readonly limit?: number
  readonly format?: 'table' | 'json'
}

type Verb = 'list' | 'show' | 'retry' | 'drop'

/** What a client of the server must be allowed; whether it is there is seen by reading. */
const NEEDED: Readonly<Record<Verb, readonly Role[]>> = {
  list: ['read'],
  show: ['read'],
  retry: ['read', 'act'],
  drop: ['read', 'act'],
}

/** Looks at the journal, begins what failed again, or forgets it. Status 1 where there is no such event. */
export function journal(verb: Verb): (options: JournalOptions) => Promise<number> {
  return async (options) => {
    const source = await sourceOf(options, NEEDED[verb])
    try {
      return await verbs[verb](source, options)
    } finally {
      await source.close()
    }
  }
}

async function sourceOf(
  { config: configPath, server }: JournalOptions,
  roles: readonly Role[],
): Promise<JournalSource> {
  const { config } = await readSetup({ configPath, rulesPaths: [], env: process.env, plugins: [] })
  // Its own token is for its own server: another address may be anybody's.
  const token = process.env['TALON_TOKEN'] ?? (server ? undefined : await ownToken(config.auth.clients, roles))
  const running = await overHttp(server ?? namedServer(config), token)
  if (!running && server) throw new ConfigError(`nothing listens at ${new URL(server).origin}: is the server running?`)
  return running ?? onDisk(config, process.env)
}

const verbs: Record<Verb, (source: JournalSource, options: JournalOptions) => Promise<number>> = {
  async list(source, { state, limit = 50, format }) {
    const lines = await source.list({ ...(state && { state }), limit })
    if (format === 'json') console.log(JSON.stringify(lines, null, 2))
    else if (lines.length) printTable(lines.map(columnsOf))
    else console.log(state ? `no event is ${state}` : 'the journal is empty')
    return 0
  },
  async show(source, { args: [id = ''] }) {
    const entry = await source.show(id)
    if (!entry) return missing(id, 'event')
    console.log(JSON.stringify(entry, null, 2))
    return 0
  },
  async retry(source, { args: [id = ''] }) {
    if (!(await source.retry(id))) return missing(id, 'failed event')
    console.log(`${id} begins again, after the steps that are done`)
    return 0
  },
  async drop(source, { args: [id = ''] }) {
    if (!(await source.drop(id))) return missing(id, 'finished event')
    console.log(`${id} is forgotten`)
    return 0
  },
}

function missing(id: string, what: string): number {
  console.error(`the journal has no ${what} ${JSON.stringify(id)}: talon journal list shows what it has`)
  return 1
}

/** Characters of an error in the table. */
const WIDTH = 60

function columnsOf({ id, state, received, event, priority, rules, repeats, steps }: Line): Record<string, string> {
  const error = Object.values(steps).find((step) => step.error !== undefined)?.error ?? ''
  // What came in an event reaches a terminal: no control characters.
  const clean = (text: string) => stripVTControlCharacters(text).replaceAll(/\p{C}/gu, ' ')
  return {
    ID: clean(id),
    STATE: state,
    RECEIVED: received,
    PRIORITY: priority,
    EVENT: clean(event),
    RULES: clean(rules.join(', ')),
    REPEATS: String(repeats),
    ERROR: clean(error).slice(0, WIDTH),
  }
}
