import { createHash } from 'node:crypto'
import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { decode } from '@talon/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { accept, windowOf } from '../../core/src/journal.fixture.ts'
import { SCHEMA, VERSION } from './schema.ts'
import { openStand, type SqliteStand } from './stand.fixture.ts'

let stand: SqliteStand
let file: string
beforeEach(async () => {
  stand = await openStand({ maxEvents: 1000 })
  file = join(stand.path, 'journal.db')
})
afterEach(() => stand.close())

it('makes a folder and a file that nobody else may read', async () => {
  await accept(stand.journal, '1')
  const { path, journal } = await openStand({ path: join(stand.path, 'deep', 'er') })
  await journal.close()
  expect((await stat(path)).mode & 0o777).toBe(0o700)
  const modes: Record<string, number> = {}
  for (const name of await readdir(stand.path)) modes[name] = (await stat(join(stand.path, name))).mode & 0o777
  expect(modes).toMatchObject({ 'journal.db': 0o600, 'journal.db-wal': 0o600 })
})

it('leaves one file behind when it closes', async () => {
  await accept(stand.journal, '1')
  await stand.journal.close()
  expect(await readdir(stand.path)).toEqual(['journal.db'])
  await expect(accept(stand.journal, '2')).rejects.toMatchObject({ kind: 'action' })
})

it('is one process’s alone', async () => {
  await expect(openStand({ path: stand.path })).rejects.toMatchObject({
    kind: 'config',
    message: expect.stringContaining('another process has it open') as string,
  })
  expect(await accept(stand.journal, '1')).toBe('accepted')
})

it('says what to do where the folder cannot be made', async () => {
  await expect(openStand({ path: join(file, 'folder') })).rejects.toMatchObject({
    kind: 'config',
    message: expect.stringMatching(/journal\.path: .*choose another folder/) as string,
  })
})

it.each([
  ['PRAGMA user_version = 99', 'start the version of Talon that wrote it'],
  ['ALTER TABLE entries RENAME COLUMN length TO size', 'move the file away to begin a new one'],
  ['PRAGMA application_id = 1', 'it is a database of another program'],
])('leaves a file alone that is not its own: %s', async (sql, says) => {
  await stand.journal.close()
  const db = new DatabaseSync(file)
  db.exec(sql)
  db.close()
  await expect(stand.restart({ onFailure: 'memory' })).rejects.toMatchObject({
    kind: 'config',
    message: expect.stringContaining(says) as string,
  })
})

it('goes on with a file that an earlier version wrote with the same tables', async () => {
  await accept(stand.journal, '1')
  await stand.journal.close()
  const version = (sql: string) => {
    const db = new DatabaseSync(file)
    db.exec(sql)
    const told = db.prepare('PRAGMA user_version').get()
    db.close()
    return told
  }
  version('PRAGMA user_version = 1')
  await stand.restart()
  expect((await stand.journal.show('1'))?.state).toBe('unfinished')
  await stand.journal.close()
  expect(version('')).toEqual({ user_version: VERSION })
})

it('has a version that rises with its tables', () => {
  const tables = createHash('sha256')
    .update(SCHEMA.replace(/^ *--.*\n|PRAGMA.*/gm, ''))
    .digest('hex')
    .slice(0, 16)
  // Whoever changes a table writes both anew: files of the version before have other columns.
  expect([VERSION, tables]).toEqual([2, '95de99e0e4afaa41'])
})

const damages: Record<string, () => Promise<void>> = {
  'is cut short': async () => truncate(file, Math.floor(((await stat(file)).size * 0.8) / 8192) * 8192),
  'has garbage in it': async () => {
    const bytes = await readFile(file)
    await writeFile(file, bytes.fill(0xab, Math.floor(bytes.length * 0.7)))
  },
  'is no database': () => writeFile(file, 'x'.repeat(10_000)),
}

describe.each(Object.keys(damages))('a file that %s', (what) => {
  beforeEach(async () => {
    const raw = JSON.stringify({ rule: 'x', output: 'y'.repeat(2000) })
    for (let id = 1; id <= 500; id++) {
      const event = decode(raw, { id: String(id), received: id, traceId: '' })
      void stand.journal.accept(event, windowOf(event.id))
    }
    await stand.journal.close()
    await damages[what]!()
  })

  it('ends the start, and is left as it is: events that were accepted are not forgotten silently', async () => {
    const before = await readFile(file)
    await expect(stand.restart()).rejects.toMatchObject({
      kind: 'config',
      message: expect.stringContaining('bring it back from a backup, or move it aside') as string,
    })
    expect(before.equals(await readFile(file))).toBe(true)
  })

  it('is moved aside where memory is allowed, with what can be read taken over', async () => {
    await stand.restart({ onFailure: 'memory' })
    expect(stand.told).toEqual([expect.stringContaining('the journal was damaged') as string])
    expect((await readdir(stand.path)).filter((name) => name.startsWith('journal.db.corrupt-'))).not.toEqual([])
    const { waiting } = stand.journal.stats()
    expect(waiting > 0).toBe(what !== 'is no database')
    expect(await accept(stand.journal, '1000')).toBe('accepted')
    const given: string[] = []
    for await (const { entry } of stand.journal.work())
      if (given.push(entry.event.id) && entry.event.id === '1000') break
    // An event that the damage cut through is there, and cannot be read.
    const unreadable = stand.told.filter((line) => line.startsWith('an event in the journal cannot be read'))
    expect(new Set(given).size + unreadable.length).toBe(waiting + 1)
    expect(unreadable.length).toBeLessThan(5)
  })
})
