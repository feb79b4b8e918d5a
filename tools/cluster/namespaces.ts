// A cluster runs in namespaces of its own. The kernel ends all of its processes with the first of them, and its mounts and network
// devices with the last: nothing is left to clean but the containers' cgroups, which a janitor removes from outside.
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import { searchPath } from './check.ts'

/**
 * The first process of the namespaces: it reaps orphans, which Node does not, and hands on stdin, which `&` would take away.
 * A Ctrl-C is not meant for it; Node, which it starts, listens to signals again.
 */
const first = 'trap "" INT; exec 4<&0; "$@" <&4 4<&- & exec 4<&-; wait $!; exit $?'

/** Waits until its stdin closes, which the owner's death does too, then removes the cgroups as soon as they are empty. */
const janitor = `cat > /dev/null; tries=0
while [ $tries -lt 300 ]; do
  left=$(ls -d /sys/fs/cgroup/"$0" /sys/fs/cgroup/*/"$0" 2> /dev/null) || [ -n "$left" ] || exit 0
  find $left -depth -type d -exec rmdir {} + 2> /dev/null
  tries=$((tries + 1)); sleep 0.05
done
echo "cgroups of a test cluster are left: $left" >&2; exit 1`

export interface Inhabitant {
  /** Its /proc/PID/root shows the cluster's files, its /proc/PID/ns the network and mounts. */
  readonly pid: number
  readonly process: ChildProcess
  /** Resolves with the exit status once all of it is gone. */
  readonly gone: Promise<number>
  /** Ends it and everything that was started inside. */
  end(): Promise<void>
}

/**
 * Runs a file of this folder in fresh namespaces with an IPC channel to it; its first argument names the cgroup below which all
 * containers must be. It is ended when this process dies, however that happens.
 */
export function enter(file: string, args: readonly string[], stdio: 'inherit' | 'ignore'): Inhabitant {
  const cgroup = `talon-cluster-${randomBytes(6).toString('hex')}`
  const channels: StdioOptions = [stdio, stdio, 'inherit', 'ipc']
  // setpriv: SIGKILL from the kernel when this process dies; --kill-child: the same from unshare to the namespaces' first process.
  const child = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', 'unshare', '--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child'],
      ...['sh', '-c', first, 'sh', process.execPath, file, cgroup, ...args],
    ],
    { stdio: channels, env: { ...process.env, PATH: searchPath } },
  )
  // A session of its own, so that neither a Ctrl-C nor a kill of the process group ends it.
  const sweeper = spawn('sh', ['-c', janitor, cgroup], { stdio: ['pipe', 'ignore', 'inherit'], detached: true })
  const swept = once(sweeper, 'exit')
  const gone = (async () => {
    const [code] = (await once(child, 'exit')) as [number | null]
    sweeper.stdin.end()
    await finished(sweeper.stdin).catch(() => undefined)
    await swept
    return code ?? 1
  })()
  return {
    pid: child.pid ?? 0,
    process: child,
    gone,
    async end() {
      // The inhabitant ends itself when the channel closes; then unshare waits until the last process is gone.
      if (child.connected) child.disconnect()
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
      await gone
      clearTimeout(timer)
    },
  }
}
