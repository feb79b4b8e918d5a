import { MAX_MESSAGE, PATH, readMessage, type Replica, type Sealer } from '@talon/replicas'
import { Hono, type Context } from 'hono'
import { bodyReader } from './body.ts'
import { Refusal } from './refusal.ts'

/** What takes messages of other servers. */
export interface Replication {
  readonly replica: Pick<Replica, 'receive'>
  readonly sealer: Sealer
  /** The URL of the route, as the others know it: what is sealed for another is not taken. */
  readonly endpoint: string
}

export { PATH }

/** The route for other servers. Who does not share the secret learns nothing but that, and sends no body. */
export function replicaRoute(
  { replica, sealer, endpoint }: Replication,
  headers: Readonly<Record<string, string>>,
): Hono {
  const app = new Hono()
  const readBody = bodyReader(MAX_MESSAGE)
  app.post('/', async (c: Context) => {
    const sealed = sealer.open(endpoint, (name) => c.req.header(name))
    if (!sealed) throw notSealed()
    const body = await readBody(c.req.raw, c.req.header('content-length'), () => c.req.text())
    if (!sealed.holds(body)) throw notSealed()
    const answer = JSON.stringify(await replica.receive(readMessage(body)))
    const seal = sealer.answer(sealed.nonce, answer)
    return c.body(answer, 200, { ...headers, 'content-type': 'application/json', 'talon-seal': seal })
  })
  return app
}

const notSealed = () =>
  new Refusal(403, 'not_sealed', 'the message is not sealed for this server, now, with its secret', {
    // What is still on its way is not read.
    connection: 'close',
  })
