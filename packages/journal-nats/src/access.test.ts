import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createAccount,
  createOperator,
  createUser,
  encodeAccount,
  encodeOperator,
  encodeUser,
  fmtCreds,
} from '@nats-io/jwt'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { accept } from '../../core/src/journal.fixture.ts'
import { selfSigned } from '../../../tools/counterparts/certificate.ts'
import { natsJournal } from './journal.ts'
import { startNats, type NatsServer } from './nats.fixture.ts'
import type { NatsConnectionOptions, NatsJournalOptions } from './options.ts'
import { optionsOf } from './stand.fixture.ts'

type Pair = ReturnType<typeof selfSigned>

let folder: string
let nats: NatsServer | undefined
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'talon-nats-access-'))
})
afterEach(async () => {
  await nats?.close()
  nats = undefined
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Opens a journal and takes an event through it. */
async function use(connection: NatsConnectionOptions, over: Partial<NatsJournalOptions> = {}): Promise<string> {
  const journal = await natsJournal(optionsOf('', { connection, ...over }))
  try {
    return await accept(journal, '1')
  } finally {
    await journal.close()
  }
}

/** Credentials of a user, and what the server needs to know them. */
async function credentials() {
  const [operator, account, system, user] = [createOperator(), createAccount(), createAccount(), createUser()]
  const limits = {
    limits: {
      ...{ mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 },
      ...{ conn: -1, leaf: -1, imports: -1, exports: -1, wildcards: true, subs: -1, data: -1, payload: -1 },
    },
  }
  const accounts = await Promise.all([
    encodeAccount('talon', account, limits, { signer: operator }),
    encodeAccount('system', system, {}, { signer: operator }),
  ])
  const own = account.getPublicKey()
  const config = `operator: ${await encodeOperator('operator', operator, { system_account: system.getPublicKey() })}
resolver: MEMORY
resolver_preload: { ${own}: ${accounts[0]}, ${system.getPublicKey()}: ${accounts[1]} }`
  const credsOf = async (seconds?: number) => {
    const until = seconds === undefined ? {} : { exp: Math.floor(Date.now() / 1000) + seconds }
    return Buffer.from(fmtCreds(await encodeUser('one', user, account, {}, until), user)).toString()
  }
  return { config, creds: await credsOf(), renew: credsOf }
}

describe('who may use NATS', () => {
  it('is a user with a password, or who knows a token', async () => {
    nats = await startNats('authorization { user: talon, password: "a b" }')
    const servers = [nats.url]
    expect(await use({ servers, user: 'talon', password: 'a b' })).toBe('accepted')
    await expect(use({ servers, user: 'talon', password: 'wrong' })).rejects.toThrow(
      /cannot be used: .*; check journal\.nats\.user and password/i,
    )
    await nats.close()
    nats = await startNats('authorization { token: "s3cret" }')
    expect(await use({ servers: [nats.url], token: 's3cret' })).toBe('accepted')
  })

  it('is who has a credentials file', async () => {
    const { config, creds } = await credentials()
    nats = await startNats(config)
    const path = join(folder, 'talon.creds')
    writeFileSync(path, creds)
    expect(await use({ servers: [nats.url], credentials: path })).toBe('accepted')
    await expect(use({ servers: [nats.url], credentials: join(folder, 'none') })).rejects.toThrow(
      /journal\.nats\.credentials: .*none cannot be read \(ENOENT\)/,
    )
  })

  it('is who has a credentials file that was renewed, too: it is read at each connection', async () => {
    const { config, creds, renew } = await credentials()
    nats = await startNats(config)
    const path = join(folder, 'renewed.creds')
    writeFileSync(path, await renew(2))
    const journal = await natsJournal(optionsOf('', { connection: { servers: [nats.url], credentials: path } }))
    expect(await accept(journal, '1')).toBe('accepted')
    writeFileSync(path, creds)
    // The first ones expire, and NATS ends the connection.
    await sleep(4_000)
    expect(await accept(journal, '2')).toBe('accepted')
    await journal.close()
  })

  it('is who has a certificate, and the server is checked by its own', async () => {
    const { cert, key } = selfSigned(folder)
    nats = await startNats(
      `tls { cert_file: "{folder}/cert.pem", key_file: "{folder}/key.pem", ca_file: "{folder}/cert.pem", verify: true }`,
      { 'cert.pem': readFileSync(cert, 'utf8'), 'key.pem': readFileSync(key, 'utf8') },
    )
    const servers = [nats.url.replace('nats:', 'tls:')]
    expect(await use({ servers, tls: { ca: cert, cert, key } })).toBe('accepted')
    await expect(use({ servers, tls: { ca: cert } })).rejects.toThrow(/journal\.nats\.tls/)
    await expect(use({ servers })).rejects.toThrow(/self.signed.*check journal\.nats\.tls/i)
  })

  it('is checked by certificates that were renewed, too: they are read at each connection', async () => {
    const [first, second] = [1, 2].map(() => selfSigned(mkdtempSync(join(folder, 'certificate-')))) as [Pair, Pair]
    nats = await startNats('tls { cert_file: "{folder}/cert.pem", key_file: "{folder}/key.pem" }', {
      'cert.pem': readFileSync(first.cert, 'utf8'),
      'key.pem': readFileSync(first.key, 'utf8'),
    })
    const ca = join(folder, 'renewed.pem')
    copyFileSync(first.cert, ca)
    const servers = [nats.url.replace('nats:', 'tls:')]
    const journal = await natsJournal(optionsOf('', { connection: { servers, tls: { ca } } }))
    await nats.kill()
    copyFileSync(second.cert, ca)
    for (const kind of ['cert', 'key'] as const) copyFileSync(second[kind], join(nats.folder, `${kind}.pem`))
    await nats.start()
    while ((await accept(journal, '1').catch(() => 'away')) !== 'accepted') await sleep(100)
    expect(await accept(journal, '1')).toBe('duplicate')
    await journal.close()
  })

  it('needs no more permissions than the README lists', async () => {
    const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
    const permissions = /permissions = \{[^]*?\n\}/.exec(readme)?.[0] ?? ''
    expect(permissions).toContain('$JS.ACK.')
    const users = `{ user: talon, password: x, ${permissions.replace(/^permissions = /, 'permissions: ')} }`
    nats = await startNats(
      `authorization { users: [ ${users}, { user: none, password: x, permissions: { publish: "a" } } ] }`,
    )
    const servers = [nats.url]
    const journal = await natsJournal(
      optionsOf('', { connection: { servers, user: 'talon', password: 'x' }, prefix: 'talon' }),
    )
    await accept(journal, '1', { key: 'k' })
    expect(await accept(journal, '2', { key: 'k' })).toBe('duplicate')
    for await (const { entry, tenure } of journal.work()) {
      await journal.plan(entry.event.id, { rulesHash: 'h', rules: [] })
      await journal.finish(entry.event.id, 'failed')
      tenure?.release()
      break
    }
    expect(await journal.retry('1', 5)).toBe(true)
    await journal.finish('1', 'failed')
    expect(await journal.drop('1')).toBe(true)
    await journal.close()
    await expect(use({ servers, user: 'none', password: 'x' })).rejects.toThrow(/permissions that the README/)
  })
})

describe('a start that NATS does not allow ends with the way out', () => {
  it('where nobody answers', async () => {
    await expect(use({ servers: ['nats://127.0.0.1:1'] }, { patience: 600 })).rejects.toThrow(
      /look whether NATS runs, whether journal\.nats\.servers names it/,
    )
  })
  it('without JetStream', async () => {
    nats = await startNats('# no jetstream')
    await expect(use({ servers: [nats.url] })).rejects.toThrow(/start nats-server with JetStream/)
  })
  it('where a stream of that name is somebody else’s', async () => {
    nats = await startNats()
    const other = await connect({ servers: nats.url })
    await (await jetstreamManager(other)).streams.add({ name: 'talon-events', subjects: ['other'] })
    await other.close()
    await expect(use({ servers: [nats.url] }, { prefix: 'talon' })).rejects.toThrow(
      /talon-events is there with .* set another journal\.nats\.prefix/,
    )
  })
  it('where there is less room than it asks for', async () => {
    nats = await startNats('jetstream { store_dir: "{folder}/store", max_file_store: 1MB }')
    await expect(use({ servers: [nats.url] })).rejects.toThrow(/max_file_store.*or lower journal\.max_bytes/)
  })
})
