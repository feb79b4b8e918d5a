import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCluster, type Cluster } from '../cluster.ts'
import { KEPT, startLoad, verdictOf } from './load.ts'
import { createMortal, long, rulesFor, settled } from './servers.ts'
import { openWorld, type World } from './world.ts'

const KILLS = long ? 100 : 8

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

describe('a server that is killed again and again', () => {
  it(
    `keeps every promise: ${KILLS} kills at random moments under load`,
    async () => {
      const namespace = await cluster.newNamespace()
      const marks = Array.from({ length: 20 }, (_, index) => `pod-${index}`)
      // On no node: pods of a node that does not exist are collected after a while.
      for (const name of marks)
        await cluster.core.createNamespacedPod({
          namespace,
          body: { metadata: { name }, spec: { containers: [{ name: 'main', image: 'none' }] } },
        })
      const label = `
- rule: Pods
  match: { rules: [Pod] }
  actions: [{ action: Label, actionner: "kubernetes:label", parameters: { labels: { answered: "yes" } } }]
`
      const server = await createMortal({
        world,
        name: 'one',
        kubeconfig: cluster.kubeconfig,
        rules: rulesFor(world) + label,
      })
      await server.start()
      const load = startLoad(() => [server.url], 60)
      const labelled: string[] = []
      for (let kills = 0; kills < KILLS; kills++) {
        await sleep(100 + Math.random() * 900)
        const pod = marks[kills % marks.length] ?? ''
        const fields = { 'k8s.ns.name': namespace, 'k8s.pod.name': pod, kills }
        const body = JSON.stringify({
          rule: 'Pod',
          priority: 'Notice',
          time: new Date().toISOString(),
          output_fields: fields,
        })
        const answer = await fetch(server.url, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json' },
        }).catch(() => undefined)
        if (answer?.ok) labelled.push(pod)
        await server.kill()
        await server.start({ wait: kills % 3 !== 0 })
      }
      await load.stop()
      await settled([server])
      expect(load.answered.length).toBeGreaterThan(KILLS * 10)
      expect(verdictOf(load.answered, world)).toEqual(KEPT)
      const { items } = await cluster.core.listNamespacedPod({ namespace, labelSelector: 'answered=yes' })
      const answered = items.map(({ metadata }) => metadata?.name)
      expect(labelled.filter((pod) => !answered.includes(pod))).toEqual([])
      await server.stop()
    },
    KILLS * 20_000,
  )
})
