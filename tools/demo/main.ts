import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import process from 'node:process'
import { startCluster } from './cluster.ts'
import { milliseconds, paint, row } from './print.ts'
import { startReceiver } from './receiver.ts'
import { startServer } from './server.ts'
import { play } from './story.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Plays the story and, unless it is played once, stays up afterwards. Gives the exit status. */
export async function demo({ once: playOnce }: { readonly once: boolean }): Promise<number> {
  mkdirSync(join(ROOT, '.talon'), { recursive: true })
  const folder = mkdtempSync(join(ROOT, '.talon/demo-'))
  const evidence = join(folder, 'evidence')
  const [receiver, cluster] = await Promise.all([startReceiver(), startCluster()])
  const kubeconfig = cluster.writeKubeconfig(join(folder, 'kubeconfig'))
  const server = await startServer(folder, kubeconfig, receiver.url)

  console.log(
    `\n  ${paint(['bold', 'green'], 'Talon')} answers what Falco detects. A cluster in memory, the real server, real HTTP; no cluster of yours is touched.\n`,
  )
  row('pods', (await cluster.pods()).map((name) => `shop/${name}`).join('  '))
  row('rules', relative(process.cwd(), join(import.meta.dirname, 'rules.yaml')))
  row('server', `${server.url}, ready after ${milliseconds(server.took)}`)
  try {
    const good = await play({ cluster, server, receiver, evidence })
    console.log()
    row('evidence', `${relative(process.cwd(), evidence)}/`)
    row('pods', (await cluster.pods()).map((name) => `shop/${name}`).join('  '))
    if (!good) console.log(`\n  ${paint('red', 'Something did not end as it should: see above.')}`)
    if (!playOnce) await stay(server.url, cluster.debug.pod, () => server.show())
    return good ? 0 : 1
  } finally {
    await server.stop()
    receiver.close()
    await cluster.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Waits for Ctrl-C while the reader tries it alone. */
async function stay(url: string, pod: string, show: () => void): Promise<void> {
  const event = {
    rule: 'Terminal shell in container',
    priority: 'Notice',
    output_fields: { 'k8s.ns.name': 'shop', 'k8s.pod.name': pod },
  }
  console.log(`\n  ${paint('bold', 'Your turn')}, in another terminal (what the server logs appears here):\n`)
  console.log(`  curl ${url} -H 'content-type: application/json' -d '${JSON.stringify(event)}'\n`)
  row('also', `curl ${url}/metrics    npx talon check -r tools/demo/rules.yaml    npx talon actionners list`)
  row('stop', 'Ctrl-C\n')
  show()
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  console.log()
}
