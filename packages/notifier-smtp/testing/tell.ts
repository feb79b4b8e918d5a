import { type ActionError, type Report } from '@talon/plugin'
import { report, runNotifier, type JobOptions } from '@talon/testing'
import { onTestFinished } from 'vitest'
import type { z } from 'zod'
import { mailer, type Mailer } from '../src/mailer.ts'
import { smtp } from '../src/smtp.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }

/** A login that the servers of the tests know. */
export const LOGIN = { user: 'talon', password: 'the-password-of-the-tests' }

/** The client `mailer`, open until the test ends. */
export async function openMailer(settings: z.input<typeof mailer.settings> = {}): Promise<Mailer> {
  const client = await mailer.open(mailer.settings.parse(settings), { log })
  onTestFinished(() => client.close())
  return client
}

/** Mails reports to two people. */
export async function tell(
  client: Mailer,
  settings: Partial<z.input<typeof smtp.parameters>>,
  reports: readonly [Report, ...Report[]] = [report()],
  job: JobOptions = {},
) {
  const people = { from: 'Talon <talon@example.org>', to: 'Sécurité <security@example.org>, oncall@example.org' }
  return runNotifier(smtp, { ...people, host_port: '', ...settings }, { clients: { mailer: client }, reports, ...job })
}

/** What it failed with. @throws where it was sent */
export async function failureOf(told: ReturnType<typeof tell>): Promise<ActionError> {
  const outcome = await told
  if (!('error' in outcome)) throw new Error(`it was sent: ${outcome.message}`)
  return outcome.error as ActionError
}
