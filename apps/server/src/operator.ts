import type { HttpBindings } from '@hono/node-server'
import type { EntryState, Journal, KeptEntry } from '@talon/core'
import type { Issue } from '@talon/plugin'
import { Hono } from 'hono'
import { jsonAnswer } from './answer.ts'
import type { Guard } from './guard.ts'
import { Refusal } from './refusal.ts'

/** What an operator may look at and set off. */
export interface OperatorOptions {
  /** Reads the rules again and gives the warnings. @throws ConfigError; the old rules stay then. */
  readonly reload: () => Promise<readonly Issue[]>
  readonly journal: Pick<Journal, 'list' | 'show' | 'retry' | 'drop'>
  /** Lets through who may do it. */
  readonly guard: Guard
  readonly headers: Readonly<Record<string, string>>
}

/** Where its routes are. */
export const OPERATOR = '/-'

const STATES: readonly string[] = ['unfinished', 'done', 'failed'] satisfies EntryState[]
const LIMIT = 50
const MOST = 1000

/** The routes that act or show history. */
export function operatorRoutes({ reload, journal, guard, headers }: OperatorOptions): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>()
  const answer = (body: object) => jsonAnswer(body, 200, headers)

  app.post('/reload', guard('act'), async () => answer({ status: 'reloaded', warnings: await reload() }))

  app.get('/journal', guard('read'), async (c) => {
    const { state, limit } = c.req.query()
    if (state !== undefined && !STATES.includes(state))
      throw new Refusal(400, 'not_found', `the state ${JSON.stringify(state)} is none of ${STATES.join(', ')}`)
    const count = Math.min(Math.max(1, Number(limit) || LIMIT), MOST)
    const query = { ...(state !== undefined && { state: state as EntryState }), limit: count }
    return answer({ entries: (await journal.list(query)).map(entryLine) })
  })

  app.get('/journal/:id', guard('read'), async (c) => {
    const entry = await journal.show(c.req.param('id'))
    if (!entry) throw missing('event')
    return answer(entry)
  })

  app.post('/journal/:id/retry', guard('act'), async (c) => {
    if (!(await journal.retry(c.req.param('id'), Date.now()))) throw missing('event that failed')
    return answer({ status: 'begun again' })
  })

  app.delete('/journal/:id', guard('act'), async (c) => {
    if (!(await journal.drop(c.req.param('id')))) throw missing('event that is finished')
    return answer({ status: 'forgotten' })
  })

  return app
}

const missing = (what: string) => new Refusal(404, 'not_found', `the journal has no ${what} under this id`)

/** What a list shows of an entry. */
export function entryLine({ event, state, steps, plan, repeats, finished }: KeptEntry): object {
  const { id, rule, priority, source, hostname, received, traceId } = event
  return {
    id,
    state,
    received: new Date(received).toISOString(),
    ...(finished !== undefined && { finished: new Date(finished).toISOString() }),
    event: rule,
    priority,
    source,
    hostname,
    traceId,
    rules: plan?.rules.map((one) => one.rule) ?? [],
    repeats,
    steps,
  }
}
