import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { HttpBindings } from '@hono/node-server'
import type { Role } from '@talon/core'
import type { Context, MiddlewareHandler } from 'hono'
import type { Auth, Shown } from './auth.ts'
import { isLocal } from './local.ts'
import { Refusal } from './refusal.ts'

type Env = { Bindings: HttpBindings }

/** A middleware that lets through who may do this. */
export type Guard = (role: Role) => MiddlewareHandler<Env>

/** Without clients in the settings, what acts or shows history answers on loopback alone. */
export function createGuard(auth: Auth): Guard {
  return (role) => async (c, next) => {
    if (auth.required) auth.demand(role, shownBy(c))
    else if (!isLocal(incomingOf(c)))
      throw new Refusal(403, 'not_local', `${c.req.path} answers on loopback alone, unless auth.clients says who may`)
    await next()
  }
}

/** What a request shows of its sender. Node has parsed the headers already; `app.request()` of tests gives no bindings. */
export function shownBy(c: Context<Env>): Shown {
  const incoming = incomingOf(c)
  const header = (name: string) => {
    const value = incoming ? incoming.headers[name] : c.req.header(name)
    return Array.isArray(value) ? value[0] : value
  }
  const socket = incoming?.socket as Partial<TLSSocket> | undefined
  const certificate = socket?.authorized ? socket.getPeerCertificate?.() : undefined
  return { header, certificate }
}

function incomingOf(c: Context<Env>): IncomingMessage | undefined {
  return (c.env as Partial<HttpBindings> | undefined)?.incoming
}
