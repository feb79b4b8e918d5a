import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Cluster } from './cluster.ts'
import { dropped, miner, secrets, shell, type Place } from './events.ts'
import { milliseconds, paint, result, row } from './print.ts'
import type { Receiver, Told } from './receiver.ts'
import type { Server } from './server.ts'

interface Scene {
  readonly title: string
  readonly event: (place: Place) => object
  readonly place: Place
  /** How many results the webhook is told: one for each action and one for each output. */
  readonly results: number
  /** Statuses that make the scene a success, in any order. */
  readonly expected: readonly string[]
}

export interface Stage {
  readonly cluster: Cluster
  readonly server: Server
  readonly receiver: Receiver
  readonly evidence: string
}

/** Plays all scenes; false where one did not end as it should. */
export async function play(stage: Stage): Promise<boolean> {
  const { web, db, debug } = stage.cluster
  const scenes: Scene[] = [
    {
      title: 'Somebody opens a shell in a web pod: mark it, keep its logs',
      event: shell,
      place: web[0],
      results: 3,
      expected: ['kubernetes:label success', 'kubernetes:log success', 'local:file success'],
    },
    {
      title: 'A miner calls home: evidence first, then the pod ends',
      event: miner,
      place: web[1],
      results: 3,
      expected: ['kubernetes:log success', 'local:file success', 'kubernetes:terminate success'],
    },
    {
      title: 'A dropped program runs beside the database: spared, because it keeps data',
      event: dropped,
      place: db,
      results: 1,
      expected: ['kubernetes:terminate ignored'],
    },
    {
      title: 'A file of secrets is read: the rule is a dry run, so nothing happens',
      event: secrets,
      place: debug,
      results: 1,
      expected: ['kubernetes:terminate success'],
    },
  ]
  let good = true
  for (const [at, scene] of scenes.entries()) {
    const told = await act(at + 1, scene, stage)
    const came = told.map(({ output_target, actionner, status }) => `${output_target ?? actionner} ${status}`)
    good &&= scene.expected.every((one) => came.includes(one))
  }
  return (await repeat(stage, scenes[0]!)) && good
}

async function act(number: number, { title, event, place, results }: Scene, stage: Stage): Promise<readonly Told[]> {
  const { server, receiver, cluster, evidence } = stage
  const before = new Set(files(evidence))
  const body = event(place) as { rule: string; priority: string }
  console.log(`\n${paint(['bold', 'cyan'], ` ${number}`)}  ${paint('bold', title)}`)
  row('Falco', `${paint('magenta', body.priority)}  ${body.rule}, in ${place.namespace}/${place.pod}`)
  const answer = await server.post(body)
  row('Talon', `answered ${answer.status} in ${milliseconds(answer.took)}`)
  const told = await receiver.told(answer.traceId, results)
  for (const rule of new Set(told.map(({ rule }) => rule))) {
    const mine = told.filter((one) => one.rule === rule)
    row('rule', `${paint('bold', rule)}${mine[0]?.dry_run ? paint('yellow', '  dry run') : ''}`)
    for (const one of mine)
      result(
        one.status,
        one.output_target ?? one.actionner,
        shorten(one.error ?? one.summary, evidence),
        one.duration_ms,
      )
  }
  const stored = files(evidence).filter((name) => !before.has(name))
  row('now', [await cluster.look(place), ...stored.map((name) => sizeOf(evidence, name))].join(paint('dim', ' · ')))
  const last = Math.max(...told.map(({ arrived }) => arrived))
  row(
    'done',
    `${paint('bold', milliseconds(last - answer.sent))} after Falco sent it; the webhook was told ${results}×`,
  )
  return told
}

/** Falco says one thing many times: the window of deduplication. */
async function repeat({ server }: Stage, { event, place }: Scene): Promise<boolean> {
  console.log(`\n${paint(['bold', 'cyan'], ' 5')}  ${paint('bold', 'Falco repeats itself: the same shell again')}`)
  const answer = await server.post(event(place))
  const duplicate = answer.status === 200
  row(
    'Talon',
    `answered ${answer.status}${duplicate ? ', a duplicate' : ''} in ${milliseconds(answer.took)}; nothing is done twice`,
  )
  return duplicate
}

const files = (folder: string): string[] => {
  try {
    return readdirSync(folder).filter((name) => !name.startsWith('.'))
  } catch {
    return []
  }
}
const sizeOf = (folder: string, name: string) => `${statSync(join(folder, name)).size} bytes of evidence on disk`

/** The folder is told once, at the end. */
const shorten = (message: string, evidence: string) => message.replaceAll(`${evidence}/`, '')
