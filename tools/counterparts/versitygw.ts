import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { binary, builtBinary } from '../cluster/binaries.ts'
import { freePort } from './free-port.ts'
import { signedFetch, type SignedInit } from './signed-fetch.ts'

/** An S3 server on loopback, as its own process. It checks signatures, checksums and conditions. */
export interface Versitygw {
  /** Host and port. */
  readonly endpoint: string
  readonly url: string
  readonly region: string
  readonly accessKey: string
  readonly secretKey: string
  /** Its buckets are the folders in it. */
  readonly folder: string
  /** Asks it in a way that shares nothing with either SDK: `path` is `/bucket/key?query`, encoded. */
  fetch(path: string, init?: SignedInit): Promise<Response>
  /** Multipart uploads that were begun and neither completed nor aborted. */
  uploads(bucket: string): Promise<string[]>
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>
  /** Starts it again, on the same port and data. */
  start(): Promise<void>
  close(): Promise<void>
}

export interface VersitygwOptions {
  readonly buckets: readonly string[]
  /** Accounts besides the root's: secret keys by access key. They may do nothing but what a bucket's policy says. */
  readonly accounts?: Readonly<Record<string, string>>
  /** Files of a certificate and its key: it speaks TLS then. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

/** Whether it is there, or can be built; says what was not run where not. */
export async function canStartVersitygw(what: string): Promise<boolean> {
  if (await builtBinary('versitygw')) return true
  return binary('versitygw').then(
    () => true,
    (error: unknown) => {
      process.stderr.write(`not run without versitygw: ${what} (${String(error)})\n`)
      return false
    },
  )
}

const HEALTH = '/talon-health'

/** Starts an S3 server with empty buckets; builds it first where the cache has none. Rejects where Go is missing. */
export async function startVersitygw({ buckets, accounts = {}, tls }: VersitygwOptions): Promise<Versitygw> {
  const program = await binary('versitygw')
  const home = mkdtempSync(join(tmpdir(), 'talon-versitygw-'))
  const [folder, iam] = [join(home, 'data'), join(home, 'iam')]
  for (const path of [folder, iam, ...buckets.map((bucket) => join(folder, bucket))]) mkdirSync(path)
  const entries = Object.entries(accounts).map(
    ([access, secret]) => [access, { access, secret, role: 'user' }] as const,
  )
  writeFileSync(join(iam, 'users.json'), JSON.stringify({ accessAccounts: Object.fromEntries(entries) }))
  const endpoint = `127.0.0.1:${await freePort()}`
  const access = { region: 'eu-test-1', accessKey: 'talon-access', secretKey: 'talon-secret-of-the-tests' }
  const url = `${tls ? 'https' : 'http'}://${endpoint}`
  let child: ChildProcess | undefined

  async function kill(): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  async function start(): Promise<void> {
    let said = ''
    child = spawn(
      program,
      [
        ...['--port', endpoint, '--region', access.region, '--health', HEALTH, '--quiet', '--keep-alive'],
        ...(tls ? ['--cert', tls.cert, '--key', tls.key] : []),
        ...['--iam-dir', iam, 'posix', folder],
      ],
      {
        env: { ...process.env, ROOT_ACCESS_KEY: access.accessKey, ROOT_SECRET_KEY: access.secretKey },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (said += String(chunk)))
    for (;;) {
      if (child.exitCode !== null) throw new Error(`versitygw ended with ${child.exitCode}:\n${said}`)
      // The certificate is the test's own: who shows it is there.
      const isUp = (error: { cause?: { code?: string } }) => /CERT|SELF_SIGNED/.test(error.cause?.code ?? '')
      if (await fetch(url + HEALTH).then(({ ok }) => ok, isUp)) return
      await sleep(20)
    }
  }

  const ask = (path: string, init?: SignedInit) => signedFetch({ url, ...access }, path, init)
  await start()
  return {
    ...{ endpoint, url, folder, ...access, kill, start },
    fetch: ask,
    async uploads(bucket) {
      const text = await (await ask(`/${bucket}?uploads`)).text()
      return [...text.matchAll(/<UploadId>(.*?)<\/UploadId>/g)].map(([, id = '']) => id)
    },
    async close() {
      await kill()
      rmSync(home, { recursive: true })
    },
  }
}
