import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A disk that can be made to refuse. */
export interface Disk {
  readonly path: string
  refuse(): void
  allow(): void
  end(): void
}

/** A file system of two megabytes that gets full: ENOSPC. Undefined where this user may not mount one. */
export function smallDisk(): Disk | undefined {
  const path = mkdtempSync(join(tmpdir(), 'talon-small-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path], { stdio: 'ignore' })
  } catch {
    rmSync(path, { recursive: true })
    return undefined
  }
  const filler = join(path, 'filler')
  return {
    path,
    refuse() {
      for (const size of [65_536, 1])
        try {
          for (let written = 0; written < 64; written++) writeFileSync(filler, Buffer.alloc(size), { flag: 'a' })
        } catch {
          // It is full.
        }
    },
    allow: () => rmSync(filler),
    end() {
      execFileSync('umount', ['-l', path])
      rmSync(path, { recursive: true })
    },
  }
}

/** The longest file that this process may write: beyond it, a write is an error of the disk. Undefined without prlimit. */
export function limitedDisk(): Disk | undefined {
  const limit = (bytes: string) => execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:`])
  try {
    limit('unlimited')
  } catch {
    return undefined
  }
  // Without it the signal of that limit would end the process.
  const survive = () => {}
  process.on('SIGXFSZ', survive)
  const path = mkdtempSync(join(tmpdir(), 'talon-limited-'))
  return {
    path,
    refuse: () => void limit('8192'),
    allow: () => void limit('unlimited'),
    end() {
      limit('unlimited')
      process.off('SIGXFSZ', survive)
      rmSync(path, { recursive: true })
    },
  }
}
