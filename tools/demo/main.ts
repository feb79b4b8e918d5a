import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import process from 'node:process'
import { startCluster, type Cluster } from './cluster.ts'
import { milliseconds, paint, row } from './print.ts'
import { startReceiver } from './receiver.ts'
import { startServer } from './server.ts'
import { play } from './story.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Plays the story and, unless it is played once, stays up afterwards. Gives the exit status. */
export async function demo({ once: playOnce }: { readonly once: boolean }): Promise<number> {
  const ended = Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)))
  mkdirSync(join(ROOT, '.talon'), { recursive: true })
  const folder = mkdtempSync(join(ROOT, '.talon/demo-'))
  const evidence = join(folder, 'evidence')
  const [receiver, cluster] = await Promise.all([startReceiver(), startCluster()])
  const kubeconfig = cluster.writeKubeconfig(join(folder, 'kubeconfig'))
  const server = await startServer(folder, kubeconfig, receiver.url)
  try {
    console.log(`\n  ${paint(['bold', 'green'], 'Talon')} answers what Falco detects.`)
    console.log(`  The server is real and so is the HTTP; the cluster lives in memory. None of yours is touched.\n`)
    await tellPods(cluster)
    row('rules', relative(process.cwd(), join(import.meta.dirname, 'rules.yaml')))
    row('server', `${server.url}, ready after ${milliseconds(server.took)}`)
    const good = await Promise.race([play({ cluster, server, receiver, evidence }), ended])
    if (typeof good !== 'boolean') return 1
    console.log()
    await tellPods(cluster)
    if (!good) console.log(`\n  ${paint('red', 'Something did not end as it should: see above.')}`)
    if (!playOnce) {
      row('evidence', `${relative(process.cwd(), evidence)}/, until you stop`)
      invite(server.url, cluster.debug.pod)
      server.show()
      await ended
      console.log()
    }
    return good ? 0 : 1
  } finally {
    await server.stop()
    receiver.close()
    await cluster.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function tellPods(cluster: Cluster): Promise<void> {
  row('pods', (await cluster.pods()).map((name) => `shop/${name}`).join('  '))
}

/** What the reader may try alone. */
function invite(url: string, pod: string): void {
  const event = {
    rule: 'Terminal shell in container',
    priority: 'Notice',
    output_fields: { 'k8s.ns.name': 'shop', 'k8s.pod.name': pod },
  }
  console.log(`\n  ${paint('bold', 'Your turn')}, in another terminal; what the server logs appears here:\n`)
  console.log(`  curl ${url} -H 'content-type: application/json' -d '${JSON.stringify(event)}'\n`)
  row('also', `curl ${url}/metrics    npx talon check -r tools/demo/rules.yaml    npx talon actionners list`)
  row('stop', 'Ctrl-C\n')
}
