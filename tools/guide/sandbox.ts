// `npm run sandbox`: the cluster that the guide speaks of, in memory, until Ctrl-C.
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { startShop } from './shop.ts'

const folder = join(import.meta.dirname, '../../.talon')
mkdirSync(folder, { recursive: true })
const shop = await startShop()
console.log(`A Kubernetes API in memory: shop/web-0, shop/web-1, shop/web-2 and shop/debug. In another terminal:

  export KUBECONFIG=${shop.writeKubeconfig(join(folder, 'sandbox.kubeconfig'))}

Ctrl-C ends it.`)
await Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)))
await shop.close()
