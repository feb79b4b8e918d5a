import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createSpool } from './spool.ts'

let path: string
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'talon-spool-test-'))
})
afterEach(() => rmSync(path, { recursive: true }))

const never = new AbortController().signal
const artifact = (...chunks: (string | Error)[]) => ({
  name: 'x.log',
  async *open() {
    for (const chunk of chunks) {
      if (chunk instanceof Error) throw chunk
      yield Buffer.from(chunk)
    }
  },
})

it('collects once, is read again and again, and is gone when dropped', async () => {
  const spool = createSpool({ path, maxBytes: 100 })
  const spooled = await spool.collect(artifact('hello ', 'world'), 'a', never)
  expect(spooled).toMatchObject({
    name: 'x.log',
    size: 11,
    sha256: createHash('sha256').update('hello world').digest('hex'),
  })
  for (const _ of [1, 2]) expect(await text(spooled.open())).toBe('hello world')
  expect(spool.used).toBe(11)
  await spooled.drop()
  expect([spool.used, readdirSync(path)]).toEqual([0, []])
})

it('refuses what does not fit, and leaves nothing behind', async () => {
  const spool = createSpool({ path, maxBytes: 10 })
  await expect(spool.collect(artifact('12345', '678901'), 'a', never)).rejects.toThrow(/is full \(10 bytes\)/)
  expect([spool.used, readdirSync(path)]).toEqual([0, []])
  expect((await spool.collect(artifact('1234567890'), 'a', never)).size).toBe(10)
})

it('leaves nothing behind where the source breaks off or the wait is aborted', async () => {
  const spool = createSpool({ path, maxBytes: 100 })
  await expect(spool.collect(artifact('12345', new Error('broken pipe')), 'a', never)).rejects.toThrow('broken pipe')
  const abort = new AbortController()
  const endless = {
    name: 'x',
    open: async function* () {
      for (;;) {
        yield Buffer.from('a')
        abort.abort(new Error('enough'))
      }
    },
  }
  await expect(spool.collect(endless, 'a', abort.signal)).rejects.toThrow('aborted')
  expect([spool.used, readdirSync(path)]).toEqual([0, []])
})

it('finds after a restart what is whole and awaited, and sweeps the rest', async () => {
  const before = createSpool({ path, maxBytes: 100 })
  const { name, size, sha256, file } = await before.collect(artifact('evidence'), 'wanted', never)
  await before.collect(artifact('old'), 'over', never)
  writeFileSync(join(path, 'wanted.part'), 'half')
  const spool = createSpool({ path, maxBytes: 100 })
  await spool.sweep(async (file) => file === 'wanted')
  expect([spool.used, readdirSync(path)]).toEqual([8, ['wanted']])
  const kept = await spool.adopt({ name, size, sha256, file, at: 0 })
  expect(await text(kept!.open())).toBe('evidence')
  expect(await spool.adopt({ name, size: 9, sha256, file, at: 0 })).toBeUndefined()
  expect(await spool.adopt({ name, size, sha256, file: 'over', at: 0 })).toBeUndefined()
  await kept!.drop()
  expect(spool.used).toBe(0)
})

it('counts a file once, though it is collected again, found again, or dropped twice', async () => {
  const spool = createSpool({ path, maxBytes: 100 })
  const first = await spool.collect(artifact('evidence'), 'a', never)
  const again = await spool.collect(artifact('evidence!'), 'a', never)
  expect(spool.used).toBe(9)
  expect([(await spool.adopt({ ...again, at: 0 }))?.size, spool.used]).toEqual([9, 9])
  await again.drop()
  await first.drop()
  expect(spool.used).toBe(0)
  writeFileSync(join(path, 'a'), 'evidence')
  const found = await spool.adopt({ ...first, at: 0 })
  expect(spool.used).toBe(8)
  await found?.drop()
  expect([spool.used, readdirSync(path)]).toEqual([0, []])
})

it('sweeps while it collects, and leaves that alone', async () => {
  const spool = createSpool({ path, maxBytes: 100 })
  await spool.collect(artifact('old'), 'over', never)
  await spool.collect(artifact('kept'), 'wanted', never)
  const [begun, going] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const slow = {
    name: 'x',
    async *open() {
      yield Buffer.from('ev')
      begun.resolve()
      await going.promise
      yield Buffer.from('idence')
    },
  }
  const collecting = spool.collect(slow, 'now', never)
  await begun.promise
  await spool.sweep(async (file) => file === 'wanted')
  expect([spool.used, readdirSync(path).toSorted()]).toEqual([6, ['now.part', 'wanted']])
  going.resolve()
  expect([(await collecting).size, spool.used]).toEqual([8, 12])
})
