import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
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
  const spooled = await spool.collect(artifact('hello ', 'world'), never)
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
  await expect(spool.collect(artifact('12345', '678901'), never)).rejects.toThrow(/is full \(10 bytes\)/)
  expect([spool.used, readdirSync(path)]).toEqual([0, []])
  expect((await spool.collect(artifact('1234567890'), never)).size).toBe(10)
})

it('leaves nothing behind where the source breaks off or the wait is aborted', async () => {
  const spool = createSpool({ path, maxBytes: 100 })
  await expect(spool.collect(artifact('12345', new Error('broken pipe')), never)).rejects.toThrow('broken pipe')
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
  await expect(spool.collect(endless, abort.signal)).rejects.toThrow('aborted')
  expect([spool.used, readdirSync(path)]).toEqual([0, []])
})
