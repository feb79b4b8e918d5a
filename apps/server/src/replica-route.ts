import { PATH, readMessage, type Replica, type Sealer } from '@talon/replicas'
import { Hono, type Context } from 'hono'
import { bodyReader } from './body.ts'
import { Refusal } from './refusal.ts'

/** What takes messages of other servers. */
export interface Replication {
  readonly replica: Pick<Replica, 'receive'>
  readonly sealer: Sealer
}

export { PATH }

/** Bytes: a hundred events with their plans. */
const MAX_MESSAGE = 16 * 2 ** 20

/** The route for other servers. Who does not share the secret learns nothing but that. */
export function replicaRoute({ replica, sealer }: Replication, headers: Readonly<Record<string, string>>): Hono {
  const app = new Hono()
  const readBody = bodyReader(MAX_MESSAGE)
  app.post('/', async (c: Context) => {
    const body = await readBody(c.req.raw, c.req.header('content-length'), () => c.req.text())
    if (!sealer.opens(body, (name) => c.req.header(name)))
      throw new Refusal(403, 'not_sealed', 'the message is not sealed with the secret of this server')
    const answer = JSON.stringify(await replica.receive(readMessage(body)))
    const seal = sealer.answer(c.req.header('talon-nonce') ?? '', answer)
    return c.body(answer, 200, { ...headers, 'content-type': 'application/json', 'talon-seal': seal })
  })
  return app
}
