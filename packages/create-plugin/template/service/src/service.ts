import { defineClient } from '@talon/plugin'
import { z } from 'zod'
import { send } from './send.ts'

/** The service, as the plugin speaks to it. */
export interface Service {
  /** @param path below the service's URL, each part of it encoded. @throws ActionError */
  request(path: string, init: RequestInit & { signal: AbortSignal }): Promise<Response>
}

/** Its settings are the section `__SECTION__` of Talon's config file. It is opened when a rule first needs it. */
export const service = defineClient({
  name: '__SECTION__',
  summary: 'The service that __PACKAGE__ speaks to',
  settings: z.object({
    url: z.url({ protocol: /^https?$/ }).describe('Address of the service'),
    token: z.string().optional().meta({ secret: true }).describe('Token that the service asks for'),
  }),
  open({ url, token }): Service {
    const base = url.endsWith('/') ? url : `${url}/`
    return {
      request(path, init) {
        const headers = new Headers(init.headers)
        if (token) headers.set('authorization', `Bearer ${token}`)
        return send(new URL(path, base), { ...init, headers })
      },
    }
  },
})
