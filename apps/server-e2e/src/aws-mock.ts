import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { answerLambda, type Functions, type Invoked } from './aws-lambda-mock.ts'
import { refuse } from './aws-refusals.ts'
import { verify, type AwsKey } from './aws-signature.ts'
import { answerSts, isUnsigned, type Roles } from './aws-sts-mock.ts'

/** A request to the mock, as a test asks about it. */
export interface Asked {
  readonly service: 'lambda' | 'sts'
  readonly headers: IncomingMessage['headers']
  readonly path: string
  readonly body: string
  /** Access key that signed it; undefined where the signature was wrong. */
  readonly key?: string
}

/**
 * A mock of AWS on loopback: Lambda's Invoke, and STS. It checks signatures as AWS does, and answers what AWS documents.
 * It is no AWS: nothing runs in it.
 */
export interface AwsMock {
  readonly url: string
  readonly region: string
  readonly accessKey: string
  readonly secretKey: string
  readonly asked: Asked[]
  readonly invoked: Invoked[]
  /** Functions by name and what they answer. */
  readonly functions: Functions
  /** Roles that can be assumed, by ARN. */
  readonly roles: Roles
  readonly keys: Map<string, AwsKey>
  /** Milliseconds that the mock's clock is ahead. */
  skew: number
  close(): Promise<void>
}

export async function startAwsMock(): Promise<AwsMock> {
  const access = { region: 'eu-test-1', accessKey: 'AKIAMOCK000000000001', secretKey: 'mock/secret+of+the+tests' }
  const asked: Asked[] = []
  const invoked: Invoked[] = []
  const keys = new Map<string, AwsKey>([[access.accessKey, { secret: access.secretKey }]])
  const [functions, roles]: [Functions, Roles] = [new Map(), new Map()]

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await buffer(request)
    const service = request.url === '/' ? 'sts' : 'lambda'
    const now = Date.now() + mock.skew
    const unsigned = service === 'sts' && isUnsigned(body)
    const found = unsigned ? { key: '' } : verify(request, body, { keys, service, region: access.region, now })
    const { headers, url: path = '' } = request
    asked.push({ service, headers, path, body: body.toString(), ...('key' in found && { key: found.key }) })
    const state = { keys, functions, roles, invoked, now, ...access }
    const question = { headers, path, body, key: 'key' in found ? found.key : '' }
    const answer =
      'flaw' in found
        ? refuse(service, found.flaw, now)
        : service === 'sts'
          ? answerSts(question, state)
          : await answerLambda(question, state)
    response.writeHead(answer.status, {
      'x-amzn-requestid': randomUUID(),
      date: new Date(now).toUTCString(),
      'content-type': service === 'sts' ? 'text/xml' : 'application/json',
      ...answer.headers,
    })
    response.end(answer.body)
  }
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error as Error))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const mock: AwsMock = {
    ...access,
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    ...{ asked, invoked, functions, roles, keys },
    skew: 0,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => void server.close(() => resolve()))
    },
  }
  return mock
}
