import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ensureWritable } from './state.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'talon-state-'))))
afterEach(() => rmSync(folder, { recursive: true }))

describe('a folder for what a server keeps', () => {
  it('is made where it is missing, for this user alone, by whoever is first', async () => {
    const path = join(folder, 'a/b/c')
    await Promise.all([1, 2, 3].map(() => ensureWritable(path, 'journal.path')))
    expect(statSync(path).mode & 0o777).toBe(0o700)
  })

  it('that is there stays as it is', async () => {
    chmodSync(folder, 0o755)
    await ensureWritable(folder, 'journal.path')
    expect(statSync(folder).mode & 0o777).toBe(0o755)
  })

  it.each([
    ['below a file', () => join(folder, 'file/x')],
    ['that is a file', () => join(folder, 'file')],
  ])('%s cannot be made, and the setting is named', async (_, path) => {
    writeFileSync(join(folder, 'file'), '')
    await expect(ensureWritable(path(), 'journal.path')).rejects.toThrow(
      /file.* cannot be written \(E\w+\): mount a volume there, or set journal\.path \(JOURNAL_PATH\)/,
    )
  })

  // Where Node's own mkdir goes round for ever.
  it.runIf(existsSync('/proc/self'))('below /proc is refused at once', async () => {
    await expect(ensureWritable('/proc/talon/journal', 'spool.path')).rejects.toThrow(
      '/proc/talon/journal cannot be written (ENOENT)',
    )
  })
})
