import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCluster, type Cluster } from '../cluster.ts'
import { falcoEvent } from '../events.ts'
import { KEPT, startLoad, verdictOf } from './load.ts'
import { createMortal, settled, type Mortal } from './servers.ts'
import { openWorld, type World } from './world.ts'

let cluster: Cluster
let world: World
beforeAll(async () => {
  cluster = await openCluster()
  world = await openWorld()
})
afterAll(async () => {
  await world.close()
  await cluster.close()
})

const mounts = (() => {
  const folder = mkdtempSync(join(tmpdir(), 'talon-mount-'))
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder])
  if (status === 0) spawnSync('umount', [folder])
  rmSync(folder, { recursive: true })
  return status === 0
})()
// The program `faketime` would stand between: it leaves the server behind where it is killed.
const [fakeTime] = globSync('/usr/lib/*/faketime/libfaketime.so.1')
if (!mounts) console.log('not run: a full disk, since this user may not mount a tmpfs')
if (!fakeTime) console.log('not run: a clock that is set back, since the Debian package faketime is missing')

/** A disk of 32 megabytes: the write-ahead log alone may take some; `fill` leaves no room on it, `free` gives it back. */
function smallDisk() {
  const folder = mkdtempSync(join(tmpdir(), 'talon-disk-'))
  expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', folder]).status).toBe(0)
  const filler = join(folder, 'filler')
  return {
    folder,
    fill: () => void spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k']),
    free: () => rmSync(filler),
    remove() {
      spawnSync('umount', ['-l', folder])
      rmSync(folder, { recursive: true })
    },
  }
}

const post = (server: Mortal, mark: string) =>
  fetch(server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(falcoEvent('Chaos', { mark })),
  })

describe.runIf(mounts)('a full disk', { timeout: 240_000 }, () => {
  it('refuses with 503 before anything is promised, and takes events again when there is room', async () => {
    const disk = smallDisk()
    const config = `journal: { path: ${disk.folder}/journal }\nspool: { path: ${disk.folder}/spool }`
    const server = await createMortal({ world, name: 'full', kubeconfig: cluster.kubeconfig, config })
    await server.start()
    const load = startLoad(() => [server.url], 100)
    await sleep(500)
    disk.fill()
    await sleep(1500)
    const answer = await post(server, 'full-1')
    expect([answer.status, Number(answer.headers.get('retry-after'))]).toEqual([503, expect.any(Number)])
    disk.free()
    for (let left = 100; (await post(server, 'full-2')).status !== 202 && left; left--) await sleep(100)
    await load.stop()
    await settled([server])
    expect(verdictOf([...load.answered, 'full-2'], world)).toEqual(KEPT)
    expect(world.count('again', 'full-1')).toBe(0)
    expect(await server.metric('journal_trouble_total')).toBeGreaterThan(0)
    await server.stop()
    disk.remove()
  })

  it('goes on in memory where that is asked for, loudly', async () => {
    const disk = smallDisk()
    const config = `journal: { path: ${disk.folder}/journal, on_failure: memory }\nspool: { path: ${disk.folder}/spool }`
    const server = await createMortal({ world, name: 'memory', kubeconfig: cluster.kubeconfig, config })
    await server.start()
    disk.fill()
    // Small pages may still take a few.
    const marks = Array.from({ length: 400 }, (_, index) => `memory-${index}`)
    for (const mark of marks) expect((await post(server, mark)).status).toBe(202)
    await settled([server])
    expect(verdictOf(marks, world)).toEqual(KEPT)
    expect(await server.metric('journal_trouble_total')).toBeGreaterThan(0)
    expect(server.output()).toMatch(/"level":"(error|warn)".*journal/)
    disk.free()
    await server.stop()
    disk.remove()
  })
})

describe('a journal that was cut short', { timeout: 240_000 }, () => {
  it('ends the start with the way out, or is moved aside where memory is asked for', async () => {
    const server = await createMortal({ world, name: 'cut', kubeconfig: cluster.kubeconfig })
    await server.start()
    for (let mark = 0; mark < 200; mark++) await post(server, `cut-${mark}`)
    await settled([server])
    await server.stop()
    const folder = join(server.folder, 'talon')
    const file = join(folder, 'journal.db')
    truncateSync(file, Math.floor(statSync(file).size / 2))
    writeFileSync(file, 'not a page'.repeat(50), { flag: 'r+' })
    await expect(server.start()).rejects.toThrow(/ended with 2[^]*damaged[^]*journal\.on_failure/)
    await server.start({ env: { XDG_STATE_HOME: server.folder, JOURNAL_ON_FAILURE: 'memory' } })
    expect((await post(server, 'cut-again')).status).toBe(202)
    await settled([server])
    expect(verdictOf(['cut-again'], world)).toEqual(KEPT)
    expect(readdirSync(folder).some((name) => name.startsWith('journal.db.corrupt-'))).toBe(true)
    await server.stop()
  })
})

describe.runIf(fakeTime)('a clock that is set back by an hour', { timeout: 240_000 }, () => {
  it('neither stretches the window of deduplication nor loses what is unfinished', async () => {
    const config = 'deduplication: { time_window_seconds: 3 }'
    const server = await createMortal({ world, name: 'clock', kubeconfig: cluster.kubeconfig, config })
    await server.start()
    expect((await post(server, 'clock-1')).status).toBe(202)
    expect((await post(server, 'clock-1')).status).toBe(200)
    expect((await post(server, 'clock-2')).status).toBe(202)
    await server.kill()
    await server.start({ env: { LD_PRELOAD: fakeTime ?? '', FAKETIME: '-1h' } })
    await settled([server])
    await sleep(3100)
    expect((await post(server, 'clock-1')).status).toBe(202)
    await settled([server])
    expect(verdictOf(['clock-2'], world)).toEqual(KEPT)
    expect(world.count('once', 'clock-1')).toBe(2)
    await server.stop()
  })
})
