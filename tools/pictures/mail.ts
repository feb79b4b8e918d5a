import { setTimeout as sleep } from 'node:timers/promises'
import { smtp } from '@talon/notifier-smtp'
import type { Logger } from '@talon/plugin'
import { startMailpit } from '../counterparts/mailpit.ts'
import { screenshot, type ScreenshotOptions } from './browser.ts'
import { report } from './report.ts'

const log: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** The mail of one result, as a mail server got it. */
export async function mail(file: string, options: ScreenshotOptions = {}): Promise<void> {
  const server = await startMailpit()
  const mailer = await smtp.uses.mailer.open({}, { log })
  try {
    const parameters = smtp.parameters.parse({ host_port: `${server.host}:${server.port}`, to: 'oncall@example.org' })
    await smtp.run({ reports: [report], parameters, log, signal: AbortSignal.timeout(10_000) }, { mailer })
    let [got] = await server.mails()
    for (; !got; [got] = await server.mails()) await sleep(20)
    await screenshot(got.html, file, options)
  } finally {
    mailer.close()
    await server.close()
  }
}
