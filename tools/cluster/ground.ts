// Prepares the ground inside fresh namespaces: private folders, addresses, and kernel settings that only look changed.
import { execFile } from 'node:child_process'
import { access, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { home, nodeAddress, serviceAddress } from './configs.ts'

const run = promisify(execFile)

/** What the components write to at fixed places. Mount points that the machine lacks are made, and stay as empty folders. */
const folders = ['/var/lib/cni', '/var/lib/kubelet', '/var/log/containers']

/** What kubelet wants of the kernel. It would set it for the whole machine: here it reads these values and is content. */
const settings = {
  'vm/overcommit_memory': '1',
  'vm/panic_on_oom': '0',
  'kernel/panic': '10',
  'kernel/panic_on_oops': '1',
  'kernel/keys/root_maxkeys': '1000000',
  'kernel/keys/root_maxbytes': '25000000',
}

const mountPrivately = async (folder: string) => run('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', folder])

async function privateFolders(): Promise<void> {
  // First, since mount itself takes notes in there.
  await mountPrivately('/run')
  await Promise.all(folders.map((folder) => mkdir(folder, { recursive: true })))
  await Promise.all(folders.map(mountPrivately))
}

/** kubelet wants the cgroup of its pods to be there: one (version 2), or one a controller (version 1). */
async function cgroups(name: string): Promise<void> {
  const root = '/sys/fs/cgroup'
  const single = await access(join(root, 'cgroup.controllers')).then(
    () => true,
    () => false,
  )
  const trees = single ? ['.'] : await readdir(root)
  await Promise.all(trees.map((tree) => mkdir(join(root, tree, name), { recursive: true })))
}

async function pretend(): Promise<void> {
  await Promise.all(
    Object.entries(settings).map(async ([name, value]) => {
      const file = join(home, 'sysctl', name.replaceAll('/', '.'))
      await writeFile(file, value)
      await run('mount', ['--bind', file, join('/proc/sys', name)])
    }),
  )
}

/** Only loopback: no packet leaves, and no registry is reachable. */
async function network(): Promise<void> {
  await run('ip', ['link', 'set', 'lo', 'up'])
  for (const address of [nodeAddress, serviceAddress]) await run('ip', ['address', 'add', `${address}/32`, 'dev', 'lo'])
}

/** Rejects with the words of the program that failed. */
export async function prepareGround(cgroup: string): Promise<void> {
  await privateFolders()
  await mkdir(join(home, 'sysctl'), { recursive: true })
  await mkdir(join(home, 'logs'), { recursive: true })
  await Promise.all([pretend(), network(), cgroups(cgroup)])
}
