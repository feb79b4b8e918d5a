import { onTestFinished } from 'vitest'
import type { z } from 'zod'
import { http, type Http } from '../src/http.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }

/** The client `http`, open until the test ends. */
export async function openHttp(settings: z.input<typeof http.settings> = {}): Promise<Http> {
  const client = await http.open(http.settings.parse(settings), { log })
  onTestFinished(() => client.close())
  return client
}
