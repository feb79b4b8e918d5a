import type { Report } from '@talon/plugin'
import { z } from 'zod'
import { documentOf } from './document.ts'
import { indexOf, type Suffix } from './index-name.ts'

/** Bytes of one bulk request. Some hosted servers take no more than 10 MB. */
const BULK = 5_000_000

/** Two lines of a bulk request: its end is a line's end. */
function actionOf(report: Report, index: string, suffix: Suffix): string {
  // The same id each time that a report is sent: a second try makes no second document.
  const create = { _index: indexOf(index, suffix, report.time), _id: report.id }
  return `${JSON.stringify({ create })}\n${JSON.stringify(documentOf(report))}\n`
}

/** Reports in portions that one request takes: one as a rule. */
export function portionsOf(reports: readonly Report[], index: string, suffix: Suffix): string[][] {
  const portions: string[][] = []
  let size = Infinity
  for (const report of reports) {
    const action = actionOf(report, index, suffix)
    size += Buffer.byteLength(action)
    if (size > BULK) {
      portions.push([])
      size = Buffer.byteLength(action)
    }
    portions.at(-1)!.push(action)
  }
  return portions
}

const item = z.object({
  status: z.number(),
  error: z.object({ type: z.string().default(''), reason: z.string().default('') }).optional(),
})
const answer = z.object({ items: z.array(z.object({ create: item })) })

/** What a server says of a document. */
export type Item = z.output<typeof item>

/** What is asked of an answer; 500 items of it fit into what is read of one. The reason may be long: asked for alone. */
export const VERDICTS = 'items.*.status,items.*.error.type'
export const REASONS = `${VERDICTS},items.*.error.reason`

/** What became of each document, in order. @throws where the answer is none to a bulk request. */
export function itemsOf(body: string): Item[] {
  return answer.parse(JSON.parse(body)).items.map(({ create }) => create)
}

/** 409: the document is there already, from an earlier try. */
export const isStored = ({ status }: Item) => status < 300 || status === 409
export const isTransient = ({ status }: Item) => status === 429 || status >= 500
