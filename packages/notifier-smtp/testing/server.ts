import { onTestFinished } from 'vitest'
import { binary } from '../../../tools/cluster/binaries.ts'
import { startMailpit, type Mailpit, type MailpitOptions } from '../../../tools/counterparts/mailpit.ts'

/** Why there is no mail server to test against, where there is none; it is said once, as those tests are left out. */
export async function missingServer(): Promise<string | undefined> {
  try {
    await binary('mailpit')
    return undefined
  } catch (error) {
    const { message } = error as Error
    console.warn(`not run, the notifier smtp against a mail server: ${message}`)
    return message
  }
}

/** A mail server, until the test ends. */
export async function startServer(options: MailpitOptions = {}): Promise<Mailpit & { readonly host_port: string }> {
  const server = await startMailpit(options)
  onTestFinished(() => server.close())
  return { ...server, host_port: `${server.host}:${server.port}` }
}
