import { execFileSync, spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import type { Readable } from 'node:stream'

/** The image's user and group, as its Dockerfile has them. */
export const USER = 65532

/** A file or folder that a container sees at a place of its own. */
export interface Mount {
  readonly from: string
  readonly to: string
  readonly writable?: boolean
}

/** In one line, why `openContainer` cannot run here. */
export const missing: string | undefined = (() => {
  if (process.platform !== 'linux') return 'a Linux kernel'
  if (process.getuid?.() !== 0) return 'root, to mount'
  const tried = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { encoding: 'utf8' })
  return tried.status === 0 ? undefined : `a mount namespace (${tried.error?.message ?? tried.stderr.trim()})`
})()

/**
 * Starts programs as a container engine would start them from the image: of the file system they see the folder alone,
 * with Node.js where the base image has it, and what is mounted. It is read-only, and they run as the image's user.
 */
export function openContainer(folder: string, mounts: readonly Mount[]): Container {
  const all = [{ from: process.execPath, to: '/nodejs/bin/node' }, ...libraries(), ...DEVICES, ...mounts]
  // A mount needs something to lie over.
  for (const { from, to } of all) {
    const place = join(folder, to)
    const isFolder = mounts.some((mount) => mount.to === to) || from === '/proc'
    mkdirSync(isFolder ? place : dirname(place), { recursive: true })
    if (!isFolder) writeFileSync(place, '', { flag: 'a' })
  }
  const words = all.flatMap(({ from, to, ...more }) => [from, join(folder, to), 'writable' in more ? 'rw' : 'ro'])
  return {
    start: (args) =>
      spawn('unshare', ['--mount', 'sh', '-c', ENTER, folder, ...words, '--', 'talon', ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin' },
      }),
  }
}

export interface Container {
  /** Runs `talon` with arguments. The process is the program itself: signals reach it. */
  start(args: readonly string[]): ChildProcessByStdio<null, Readable, Readable>
}

const DEVICES: readonly Mount[] = [
  { from: '/proc', to: '/proc' },
  { from: '/dev/null', to: '/dev/null', writable: true },
  { from: '/dev/urandom', to: '/dev/urandom' },
]

/** The base image's libraries that Node.js needs. */
function libraries(): Mount[] {
  const told = execFileSync('ldd', [process.execPath], { encoding: 'utf8' })
  return [...told.matchAll(/(\/\S+) \(0x/g)].map(([, from = '']) => ({ from, to: from }))
}

/** `$0` is the folder; three words for each mount, `--`, and what is to run. */
const ENTER = `
set -e
root=$0
mount --make-rprivate /
mount --bind "$root" "$root"
while [ "$1" != -- ]; do
  mount --rbind "$1" "$2"
  test "$3" = rw || mount -o remount,bind,ro "$2"
  shift 3
done
shift
mount -o remount,bind,ro "$root"
exec setpriv --no-new-privs chroot --userspec=${USER}:${USER} --groups= "$root" "$@"
`
