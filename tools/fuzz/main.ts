// Feeds decode and the HTTP door with bodies that nobody meant, made from the corpus: `npm run fuzz [seconds] [seed]`.
// What must hold: an event or a reason, never anything else; digits stay; the door answers, and still serves good events.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decode, memoryJournal } from '@talon/core'
import { TalonError } from '@talon/plugin'
import { createAuth } from '../../apps/server/src/auth.ts'
import { createApp } from '../../apps/server/src/http.ts'
import { listen } from '../../apps/server/src/listen.ts'
import { mutate, randomOf } from './mutate.ts'

const [seconds = 60, seed = Date.now() % 2 ** 31] = process.argv.slice(2).map(Number)
const random = randomOf(seed)
const folder = join(import.meta.dirname, 'corpus')
const corpus = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
console.log(`fuzz: ${seconds} s, seed ${seed}, ${corpus.length} bodies`)

/** Milliseconds that one body may take at most: far more than any does, far less than a regular expression that runs away. */
const LONGEST = 2000
const counts = { events: 0, refusals: 0, answers: 0 }

function fail(what: string, body: string): never {
  console.error(`fuzz: ${what}\nseed ${seed}\nbody ${JSON.stringify(body)}`)
  process.exit(1)
}

function tryDecode(body: string): void {
  const began = performance.now()
  try {
    const event = decode(body, { id: '1', received: 0, traceId: 'a'.repeat(32) })
    counts.events++
    const isText = (value: unknown) => typeof value === 'string'
    if (!Object.isFrozen(event) || !Object.values(event.fields).every(isText) || event.raw !== body)
      fail('an event that is not what it says', body)
    const again = decode(body, { id: '1', received: 0, traceId: 'a'.repeat(32) })
    if (JSON.stringify(again) !== JSON.stringify(event)) fail('one body, two events', body)
  } catch (error) {
    if (!TalonError.is(error) || error.kind !== 'event') fail(`decode threw ${String(error)}`, body)
    counts.refusals++
  }
  if (performance.now() - began > LONGEST) fail(`decode took ${performance.now() - began} ms`, body)
}

/** All digits of a number stay, wherever it stands in a body. */
function tryDigits(): void {
  const digits = `${1 + Math.floor(random() * 9)}${Array.from({ length: 18 }, () => Math.floor(random() * 10)).join('')}`
  const blank = [' ', '\n', '\t', ''][Math.floor(random() * 4)]
  const body = `{"rule":"Digits","output_fields":{"a":"\\"","n"${blank}:${blank}${digits}${blank},"z":[${digits}]}}`
  const { fields } = decode(body, { id: '1', received: 0, traceId: '' })
  if (fields['n'] !== digits || fields['z'] !== `[${digits}]`) fail('digits were lost', body)
}

const silent = {
  debug() {},
  info() {},
  warn() {},
  error: (message: string, facts?: object) => console.error(message, facts),
}
const app = createApp({
  talon: {
    async handle(body) {
      decode(body, { id: '1', received: 0, traceId: 'a'.repeat(32) })
      return { verdict: 'accepted', traceId: 'a'.repeat(32) }
    },
    ready: async () => ({ ready: true, problems: [] }),
  },
  metrics: { page: async () => '', contentType: 'text/plain' },
  reload: async () => [],
  journal: memoryJournal({ maxEvents: 10, now: () => 0 }),
  auth: createAuth(() => []),
  refused() {},
  log: silent,
})
const door = await listen(app, { address: '127.0.0.1', port: 0, maxConnections: 1000, refused() {} })
const url = `http://127.0.0.1:${door.port}`
const TYPES = ['application/json', 'application/json; charset=utf-8', 'text/plain', 'application/cloudevents+json', '']
const EXPECTED = new Set([202, 400, 413, 415])

async function tryDoor(body: string): Promise<void> {
  const type = TYPES[Math.floor(random() * TYPES.length)] ?? ''
  const path = random() < 0.05 ? `/${encodeURI(body.slice(0, 40).toWellFormed())}` : '/'
  const answer = await fetch(`${url}${path}`, {
    method: 'POST',
    body,
    headers: { ...(type && { 'content-type': type }) },
    signal: AbortSignal.timeout(20_000),
  })
  const text = await answer.text()
  counts.answers++
  if (path === '/' ? !EXPECTED.has(answer.status) : answer.status >= 500)
    fail(`the door answered ${answer.status}`, body)
  if (/\bat .*\.(ts|js):\d+/.test(text)) fail('the door showed a stack', body)
}

const end = Date.now() + seconds * 1000
while (Date.now() < end) {
  for (let index = 0; index < 500; index++) tryDecode(mutate(corpus, random))
  tryDigits()
  await Promise.all(Array.from({ length: 8 }, () => tryDoor(mutate(corpus, random))))
  const good = await fetch(url, { method: 'POST', body: corpus[0]!, headers: { 'content-type': 'application/json' } })
  if (good.status !== 202) fail(`a good event was answered with ${good.status}`, corpus[0]!)
  await good.text()
}
await door.close()
if (!counts.events || !counts.refusals) fail('nothing was tried on both sides', '')
console.log(`fuzz: ${counts.events} events, ${counts.refusals} refusals, ${counts.answers} answers of the door`)
