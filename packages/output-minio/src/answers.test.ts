import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { Readable } from 'node:stream'
import { runOutput, storedArtifact } from '@talon/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { minio } from './client.ts'
import { s3 } from './s3.ts'
import { store } from './store.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }
const keys = { access_key: 'talon', secret_key: 'secret-of-the-tests' }

const open = (endpoint: string) => minio.open(minio.settings.parse({ endpoint, ...keys }), { log })

/** What comes of storing so many bytes with a mock of a server, for answers that a real one gives in bad times. */
async function storing(length: number, answer: RequestListener, output = s3) {
  const server = createServer(answer).listen(0, '127.0.0.1')
  // What comes here is no answer to `Expect: 100-continue` but the whole one.
  server.on('checkContinue', answer)
  await once(server, 'listening')
  const address = server.address()
  const client = await open(`127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`)
  onTestFinished(() => {
    client.close()
    server.closeAllConnections()
    server.close()
  })
  const artifact = await storedArtifact(randomBytes(length))
  return runOutput(output, { bucket: 'evidence' }, { artifact, clients: { minio: client } })
}

describe('minio:s3', () => {
  it('says where the endpoint is no S3', async () => {
    const outcome = await storing(100, (_, answer) => void answer.writeHead(400).end('<html>a console'))
    expect(outcome).toMatchObject({
      status: 'failure',
      message: expect.stringContaining('what answered is no S3; minio.endpoint must be') as string,
    })
  })

  it('lets a busy server be asked again', async () => {
    const outcome = await storing(100, (_, answer) => void answer.writeHead(503).end())
    expect(outcome).toMatchObject({
      message: expect.stringContaining('the server answered 503') as string,
      error: { retryable: true },
    })
  })

  it('hears why a server refuses before it reads: the content waits until it is wanted', async () => {
    const outcome = await storing(32 * 2 ** 20, ({ method }, answer) => {
      if (method === 'PUT')
        answer
          .writeHead(403, { connection: 'close' })
          .end('<Error><Code>AccessDenied</Code><Message>No.</Message></Error>')
      else if (method === 'HEAD') answer.writeHead(404).end()
      else answer.end('<LocationConstraint/>')
    })
    expect(outcome).toMatchObject({
      message: expect.stringMatching(/AccessDenied.*its policy lacks s3:PutObject/) as string,
      error: { retryable: false },
    })
  })

  it('reads a bounded part of the answer to the last of many parts', async () => {
    const MIB = 2 ** 20
    let taken = 0
    const endless: RequestListener = ({ method, url }, answer) => {
      if (method === 'HEAD') answer.writeHead(404).end()
      else if (method === 'PUT') answer.writeHead(200, { etag: '"1"' }).end()
      else if (method === 'POST' && !url?.includes('uploadId='))
        answer.end('<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>')
      else if (method === 'POST') Readable.from(spaces()).pipe(answer)
      else answer.end('<ListMultipartUploadsResult/>')
    }
    function* spaces() {
      for (; taken < 64 * MIB; taken += MIB) yield ' '.repeat(MIB)
    }
    const inParts = {
      ...s3,
      run: (job, { minio }) => store(job, minio, { whole: 1, part: 5 * MIB }),
    } satisfies typeof s3
    expect(await storing(100, endless, inParts)).toMatchObject({
      status: 'failure',
      message: expect.stringContaining('the server did not say that it put the parts together') as string,
    })
    expect(taken).toBeLessThan(64 * MIB)
  })

  it.each(['http://minio:9000', 'minio:9000/path', 'minio:x', '', 'user@minio'])(
    'takes no endpoint like %j',
    async (endpoint) => {
      await expect(open(endpoint)).rejects.toMatchObject({
        kind: 'config',
        message: expect.stringContaining('is no host and port') as string,
      })
    },
  )
})
