// `npm run bench [names]`: measures (what is long only by its name), and prints a table with ratios taken in one run. `--write` puts it into docs/performance.md, in place of the rows that it measured anew.
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { chaos } from './chaos.ts'
import { door } from './door.ts'
import { endurance } from './endurance.ts'
import { footprint } from './footprint.ts'
import { handling } from './handling.ts'
import { image } from './image.ts'
import { journal } from './journal.ts'
import { matching } from './matching.ts'
import { reaction } from './reaction.ts'
import { markdown, type Bench, type Row } from './row.ts'
import { telemetry } from './telemetry.ts'
import { uploads } from './uploads.ts'
import { urgency } from './urgency.ts'

const benches: readonly Bench[] = [
  door,
  handling,
  journal,
  matching,
  reaction,
  urgency,
  telemetry,
  footprint,
  image,
  uploads,
  endurance,
  chaos,
]
const PAGE = 'docs/performance.md'
const [BEGIN, END] = ['<!-- measured: begin -->', '<!-- measured: end -->']

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean', default: false } },
})
const chosen = benches.filter(({ name, long }) => (positionals.length ? positionals.includes(name) : !long))

const rows: Row[] = []
for (const bench of chosen) {
  const { name, missing } = bench
  if (missing) {
    console.log(`${name}: not run, missing: ${missing}`)
    continue
  }
  console.error(`${name} ...`)
  rows.push(...(await bench.run()))
}
const [cpu] = cpus()
const machine = `${cpus().length} x ${cpu?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`
const head = `Machine: ${machine}.`
console.log(`${head}\n\n${markdown(rows)}`)
if (values.write) {
  const page = readFileSync(PAGE, 'utf8')
  const [from, to] = [page.indexOf(BEGIN) + BEGIN.length, page.indexOf(END)]
  const table = [...keptOf(page.slice(from, to), rows), ...markdown(rows).split('\n').slice(2)].join('\n')
  writeFileSync(PAGE, `${page.slice(0, from)}\n${head}\n\n${markdown([])}\n${table}\n${page.slice(to)}`)
}

/** Rows of the page that were not measured now. */
function keptOf(text: string, now: readonly Row[]): string[] {
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2)
  return lines.filter((line) => !now.some(({ what }) => line.startsWith(`| ${what} |`)))
}
