import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { ActionError } from '@talon/plugin'
import type { Aside, Asked, Setting, Told } from './messages.ts'
import { obstacleError } from './obstacle.ts'
import type { Figures, Name, Operation, Operations, Refusal, Reply } from './operations.ts'

/** Milliseconds between two rounds of tidying where nothing else is asked. */
const TICK = 1_000
/** Operations of one group, one transaction: more wait for the next. */
const GROUP = 256

interface Waiting {
  readonly operation: Operation
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
}

export interface ThreadOptions {
  readonly setting: Setting
  readonly time: () => number
  /** Told of each group that the disk refused. */
  readonly onTrouble: (message: string) => void
  /** Told of how many operations are in memory alone now, when that begins and when it ends. */
  readonly onUnwritten: (count: number) => void
  /** Told of how many of them were lost when the journal closed. */
  readonly onLost: (count: number) => void
}

/**
 * The thread with the database, from outside. What is asked in one turn of the event loop, and while a group is being
 * written, is written as the next group: one wait for the disk for all of them.
 */
export class Thread {
  readonly #worker: Worker
  readonly #options: ThreadOptions
  readonly #ended: Promise<void>
  #waiting: Waiting[] = []
  /** The group that is being written: one at a time. */
  #writing: readonly Waiting[] | undefined
  #scheduled = false
  #gone: Error | undefined
  #closing = false
  #tick: NodeJS.Timeout | undefined
  figures: Figures = { waiting: 0, failed: 0, oldest: undefined, bytes: 0, unwritten: 0 }
  aside: Aside | undefined
  /** The highest place that an earlier run gave. */
  last = 0

  private constructor(options: ThreadOptions) {
    this.#options = options
    this.#worker = new Worker(new URL(`./worker${extname(import.meta.url)}`, import.meta.url), {
      workerData: options.setting,
      // Node 22 calls node:sqlite an experiment at each start.
      execArgv: [...process.execArgv, '--disable-warning=ExperimentalWarning'],
      name: 'talon-journal',
    })
    this.#ended = new Promise((resolve) => {
      this.#worker.once('error', (error) => this.#end(error instanceof Error ? error : new Error(String(error))))
      this.#worker.once('exit', () => {
        this.#end(new Error('its thread has ended'))
        resolve()
      })
    })
  }

  /** @throws ConfigError where the file cannot be used. */
  static async open(options: ThreadOptions): Promise<Thread> {
    const thread = new Thread(options)
    await thread.#ready()
    return thread
  }

  async #ready(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#worker.once('message', (told: Told) => {
        if (told.about === 'unopened') reject(obstacleError(this.#options.setting.file, told.why, told.message))
        if (told.about !== 'ready') return
        this.figures = told.figures
        this.last = told.last
        this.aside = told.aside
        resolve()
      })
      this.#worker.once('error', reject)
    })
    this.#worker.on('message', (told: Told) => {
      if (told.about === 'reply') this.#settle(told.reply)
      if (told.about === 'closed' && told.lost) this.#options.onLost(told.lost)
    })
    this.#worker.unref()
    this.#tick = setInterval(() => this.#write([]), TICK).unref()
  }

  /** Resolves when it is on disk. @throws ActionError when it is not. */
  ask<K extends Name>(name: K, ask: Operations[K]['ask']): Promise<Operations[K]['answer']> {
    if (this.#closing) return Promise.reject(new ActionError('the journal is closed'))
    return new Promise((resolve, reject) => {
      const operation = { name, ask } as Operation
      this.#waiting.push({ operation, resolve: resolve as Waiting['resolve'], reject })
      this.#schedule()
    })
  }

  /** What was asked is written before. */
  async close(): Promise<void> {
    this.#closing = true
    clearInterval(this.#tick)
    while (!this.#gone && (this.#waiting.length || this.#writing)) await new Promise((resolve) => setImmediate(resolve))
    this.#worker.ref()
    if (!this.#gone) this.#send('close')
    await this.#ended
  }

  /** At the end of this turn: what comes while a group is written waits for the next, so that groups grow with the load. */
  #schedule(): void {
    if (this.#scheduled || this.#writing) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    if (!this.#waiting.length) return
    if (this.#gone) {
      const { message } = this.#gone
      for (const { reject } of this.#waiting.splice(0)) reject(this.#refused({ message, disk: true }))
    } else if (!this.#writing) this.#write(this.#waiting.splice(0, GROUP))
  }

  #write(group: readonly Waiting[]): void {
    if (this.#writing || this.#gone) return
    this.#writing = group
    this.#worker.ref()
    this.#send({ operations: group.map(({ operation }) => operation), at: this.#options.time() })
  }

  #settle({ answers, refusals, figures, trouble }: Reply): void {
    const written = this.#writing ?? []
    this.#writing = undefined
    const { unwritten } = this.figures
    this.figures = figures
    if (trouble !== undefined) this.#options.onTrouble(trouble)
    if (unwritten > 0 !== figures.unwritten > 0) this.#options.onUnwritten(figures.unwritten)
    this.#worker.unref()
    for (const [index, { resolve, reject }] of written.entries()) {
      const refusal = refusals[index]
      if (refusal) reject(this.#refused(refusal))
      else resolve(answers[index])
    }
    if (this.#waiting.length) this.#schedule()
  }

  #refused({ message, disk }: Refusal): ActionError {
    const { file } = this.#options.setting
    return new ActionError(`the journal could not store it in ${file}: ${message}`, { retryable: disk })
  }

  #end(error: Error): void {
    this.#gone ??= error
    clearInterval(this.#tick)
    for (const { reject } of this.#writing ?? []) reject(this.#refused({ message: error.message, disk: true }))
    this.#writing = undefined
    this.#flush()
  }

  #send(asked: Asked): void {
    this.#worker.postMessage(asked)
  }
}
