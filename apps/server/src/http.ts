import type { HttpBindings } from '@hono/node-server'
import type { Talon } from '@talon/core'
import { TalonError, type Logger } from '@talon/plugin'
import { Hono, type MiddlewareHandler } from 'hono'
import { jsonAnswer } from './answer.ts'
import type { Auth } from './auth.ts'
import { bodyReader, checkType } from './body.ts'
import { createGuard, shownBy } from './guard.ts'
import { OPERATOR, operatorRoutes, type OperatorOptions } from './operator.ts'
import { sharedReadiness } from './readiness.ts'
import { Refusal, type Reason } from './refusal.ts'
import { PATH, replicaRoute, type Replication } from './replica-route.ts'
import { turns } from './turns.ts'

/** What the door leads to. */
export interface Door extends Pick<OperatorOptions, 'reload' | 'journal'> {
  readonly talon: Pick<Talon, 'handle' | 'ready'>
  /** The metrics, in the text format of Prometheus. */
  readonly metrics: { readonly page: () => Promise<string>; readonly contentType: string }
  /** Present where several servers share their work. */
  readonly replication?: Replication
  readonly auth: Auth
  /** Counts a request that is turned away. */
  readonly refused: (reason: Reason, message: string) => void
  readonly log: Logger
  /** Milliseconds of a clock that is never set back. */
  readonly now?: () => number
}

type App = Hono<{ Bindings: HttpBindings }>

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
} as const

const JSON_HEADERS = { ...HEADERS, 'content-type': 'application/json' } as const
const ANSWERS = { accepted: '{"status":"accepted"}\n', duplicate: '{"status":"duplicate"}\n' } as const

/** Seconds after which a full server is worth another try. */
const RETRY_AFTER = '5'

/** Routes of each path: a wrong method is told what is right. */
const ALLOW = {
  '/': 'POST',
  '/healthz': 'GET, HEAD',
  '/readyz': 'GET, HEAD',
  '/metrics': 'GET, HEAD',
  '/-/reload': 'POST',
  '/-/journal': 'GET, HEAD',
} as const

/** The HTTP side of Talon. Answers before anything is done about an event, and never with a stack trace. */
export function createApp(door: Door): App {
  const { talon, metrics, reload, journal, replication, auth, refused, log, now = () => performance.now() } = door
  const app: App = new Hono()
  const readBody = bodyReader()
  const endOfTurn = turns()
  const readiness = sharedReadiness((signal) => talon.ready(signal), now)

  app.post('/', async (c) => {
    const shown = shownBy(c)
    const { header } = shown
    // Who shows no signature is known, or not, before a byte of the body is read.
    const signed = header('x-talon-signature') !== undefined
    if (auth.required && !signed) auth.demand('send', shown)
    checkType(header('content-type'), header('content-encoding'))
    const body = await readBody(c.req.raw, header('content-length'), () => c.req.text())
    const admitted = auth.required && signed ? auth.demand('send', { ...shown, body }) : undefined
    try {
      const { verdict, traceId } = await talon.handle(body, header('traceparent'))
      await endOfTurn()
      if (verdict === 'full')
        throw new Refusal(503, 'full', 'no more events can be taken now: try again', { 'retry-after': RETRY_AFTER })
      const status = verdict === 'accepted' ? 202 : 200
      // Written as it is: `c.json` would build a Headers object, which costs as much as reading the event.
      return new Response(ANSWERS[verdict], { status, headers: { ...JSON_HEADERS, 'x-trace-id': traceId } })
    } catch (error) {
      admitted?.takeBack()
      throw error
    }
  })

  app.get('/healthz', () => jsonAnswer({ status: 'alive' }, 200, HEADERS))

  app.get('/readyz', async () => {
    const { ready, problems } = await readiness()
    return jsonAnswer({ status: ready ? 'ready' : 'not ready', problems }, ready ? 200 : 503, HEADERS)
  })

  // What it tells is not much: without clients it is open, as exporters are.
  const readers: MiddlewareHandler<{ Bindings: HttpBindings }> = async (c, next) => {
    if (auth.required) auth.demand('read', shownBy(c))
    await next()
  }
  app.get('/metrics', readers, async (c) =>
    c.body(await metrics.page(), 200, { ...HEADERS, 'content-type': metrics.contentType }),
  )

  if (replication) app.route(PATH, replicaRoute(replication, HEADERS))
  app.route(OPERATOR, operatorRoutes({ reload, journal, guard: createGuard(auth), headers: HEADERS }))

  for (const [path, allow] of Object.entries(ALLOW))
    app.all(path, () => {
      const hint = path === '/' ? ': Falco sends its events with POST' : ''
      throw new Refusal(405, 'method', `${path} takes ${allow} alone${hint}`, { allow })
    })

  app.notFound(() => refuse(new Refusal(404, 'not_found', 'there is nothing here: events go to /')))

  app.onError((error, c) => {
    if (error instanceof Refusal) return refuse(error)
    if (TalonError.is(error) && error.kind === 'event') return refuse(new Refusal(400, 'not_an_event', error.message))
    if (TalonError.is(error) && error.kind === 'config')
      return jsonAnswer({ error: 'the rules have errors: the old ones stay', issues: error.issues }, 422, HEADERS)
    if (TalonError.is(error) && error.kind === 'action') {
      // The log says why, now and then: as long as it lasts, every event meets it.
      refused('journal', error.message)
      return jsonAnswer({ error: 'the event could not be kept: try again' }, 503, {
        ...HEADERS,
        'retry-after': RETRY_AFTER,
      })
    }
    log.error('a request failed', { error: error.message, stack: error.stack, path: c.req.path })
    return refuse(
      new Refusal(503, 'failure', 'the request could not be handled; the log says why', { 'retry-after': RETRY_AFTER }),
    )
  })

  function refuse({ status, reason, message, headers }: Refusal): Response {
    refused(reason, message)
    return jsonAnswer({ error: message }, status, { ...HEADERS, ...headers })
  }

  return app
}
