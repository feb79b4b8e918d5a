// The images of test pods, made of this machine's busybox and tcpdump: no registry is needed.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { containerdSocket, home } from './configs.ts'

const run = promisify(execFile)
const folder = join(home, 'images')

/** Images by name: their layers, and what they do when a pod gives no command. */
const images = {
  'talon.test/pause:1': { layers: ['busybox'], command: ['/bin/sleep', '2147483'] },
  'talon.test/busybox:1': { layers: ['busybox'], command: ['/bin/sleep', '2147483'] },
  'talon.test/tcpdump:1': { layers: ['busybox', 'tcpdump'], command: ['/bin/sleep', '60'] },
}

async function programPath(program: string): Promise<string> {
  return (await run('sh', ['-c', 'command -v "$0"', program])).stdout.trim()
}

async function busybox(root: string): Promise<void> {
  await Promise.all(['bin', 'etc', 'tmp'].map((name) => mkdir(join(root, name), { recursive: true })))
  const program = await programPath('busybox')
  const applets = (await run(program, ['--list'])).stdout.trim().split('\n')
  await copyFile(program, join(root, 'bin/busybox'))
  await Promise.all(
    applets.filter((name) => name !== 'busybox').map((name) => symlink('busybox', join(root, 'bin', name))),
  )
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\n')
  await writeFile(join(root, 'etc/group'), 'root:x:0:\n')
}

/** tcpdump and the libraries it is linked with, at the paths they have here. */
async function tcpdump(root: string): Promise<void> {
  const program = await programPath('tcpdump')
  const libraries = (await run('ldd', [program])).stdout.match(/\/\S+/g) ?? []
  await Promise.all(
    [['/usr/bin/tcpdump', program], ...libraries.map((library) => [library, library])].map(
      async ([to = '', from = '']) => {
        await mkdir(dirname(join(root, to)), { recursive: true })
        await copyFile(from, join(root, to))
      },
    ),
  )
}

async function layer(name: string, fill: (root: string) => Promise<void>): Promise<[string, string]> {
  const root = join(folder, 'roots', name)
  await mkdir(root, { recursive: true })
  await fill(root)
  const file = join(folder, `${name}.tar`)
  await run('tar', [
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--sort=name',
    '--mtime=@0',
    '-C',
    root,
    '-cf',
    file,
    '.',
  ])
  return [
    name,
    `sha256:${createHash('sha256')
      .update(await readFile(file))
      .digest('hex')}`,
  ]
}

/** Path of a docker-archive with every test image. */
export async function buildImages(): Promise<string> {
  await mkdir(folder, { recursive: true })
  const digests = Object.fromEntries(await Promise.all([layer('busybox', busybox), layer('tcpdump', tcpdump)]))
  const manifest = Object.entries(images).map(([name, { layers }], index) => ({
    Config: `${index}.json`,
    RepoTags: [name],
    Layers: layers.map((layer) => `${layer}.tar`),
  }))
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const configs = Object.values(images).map(({ layers, command }) => ({
    architecture,
    os: 'linux',
    config: { Cmd: command, Env: ['PATH=/bin:/usr/bin'] },
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => digests[layer]) },
  }))
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest))
  await Promise.all(configs.map((config, index) => writeFile(join(folder, `${index}.json`), JSON.stringify(config))))
  const files = [
    'manifest.json',
    ...configs.map((_, index) => `${index}.json`),
    ...Object.keys(digests).map((name) => `${name}.tar`),
  ]
  await run('tar', ['-C', folder, '-cf', join(folder, 'all.tar'), ...files])
  return join(folder, 'all.tar')
}

/** Gives containerd the images; rejects while containerd does not answer yet. */
export async function importImages(archive: string): Promise<void> {
  await run('ctr', ['-a', containerdSocket, '-n', 'k8s.io', 'images', 'import', archive])
}
