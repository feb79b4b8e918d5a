import { z } from 'zod'

/** A mailbox: `{ name: 'Security', address: 'security@example.org' }`. */
export interface Mailbox {
  /** Empty where there is none. */
  readonly name: string
  readonly address: string
}

const NAMED = /^([^<>\p{Cc}]*)<([^<>\s@]+@[^<>\s@]+)>$/u
const BARE = /^[^<>\s@,;"]+@[^<>\s@,;"]+$/

function mailboxOf(text: string): Mailbox | undefined {
  const [, name = '', address = ''] = NAMED.exec(text.trim()) ?? []
  if (address) return { name: name.trim().replace(/^"(.*)"$/, '$1'), address }
  return BARE.test(text.trim()) ? { name: '', address: text.trim() } : undefined
}

/** `talon@example.org`, or with a name: `Talon <talon@example.org>`. */
export const mailbox = z.string().transform((text, context): Mailbox => {
  const read = mailboxOf(text)
  if (read) return read
  context.addIssue('is no address: talon@example.org, or Talon <talon@example.org>')
  return z.NEVER
})

/** A server takes so many in one mail for sure. RFC 5321, section 4.5.3.1.8. */
const RECIPIENTS = 100

/** Mailboxes, comma separated: one at least. */
export const mailboxes = z.string().transform((text, context): [Mailbox, ...Mailbox[]] => {
  const written = text.split(',').filter((part) => part.trim() !== '')
  const read = written.map(mailboxOf)
  for (const [index, part] of written.entries())
    if (!read[index]) context.addIssue(`${JSON.stringify(part.trim())} is no address: people@example.org`)
  if (written.length > RECIPIENTS) context.addIssue(`names over ${RECIPIENTS} addresses: use a mailing list`)
  const [first, ...rest] = read.filter((one) => one !== undefined)
  if (first) return [first, ...rest]
  if (!written.length) context.addIssue('names no address: nobody would be told')
  return z.NEVER
})

/** `mail.example.org:587`, `[::1]:25`. */
export const hostPort = z.string().transform((text, context): { host: string; port: number } => {
  const [, bracketed, plain, port] = /^(?:\[([\da-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(text.trim()) ?? []
  const host = bracketed ?? plain
  if (host && Number(port) > 0 && Number(port) < 65536) return { host, port: Number(port) }
  context.addIssue('is no host and port: mail.example.org:587')
  return z.NEVER
})

/** Whether what is sent there never leaves this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}
