import type { z } from 'zod'
import { innerOf } from './coerce.ts'
import { parametersOf } from './describe.ts'
import { table } from './markdown.ts'
import { settingsSchema } from './settings.ts'

/** The page of the config file's settings, in Markdown. */
export function settingsReference(): string {
  const rows = rowsOf(settingsSchema, '')
  const intro =
    'A setting is written in the config file (`-c`) under its key, or in the environment in upper case with `_` for `.`: `deduplication.time_window_seconds` is `DEDUPLICATION_TIME_WINDOW_SECONDS`. Flags win over the environment, which wins over the file; lists are comma separated there. A secret may come from a file: `<NAME>_FILE`, or the key with `_file` behind it.'
  return `# Configuration\n\n${intro}\n\n${table(['setting', 'type', 'default', 'meaning'], rows)}\n`
}

function rowsOf(schema: z.ZodObject, prefix: string): string[][] {
  return parametersOf(schema).flatMap(({ name, type, default: value, description, secret }) => {
    const inner = innerOf(schema.shape[name])
    if (inner.def.type === 'object') return rowsOf(inner as z.ZodObject, `${prefix}${name}.`)
    const shown = value === undefined ? '' : `\`${JSON.stringify(value)}\``
    return [[`\`${prefix}${name}\``, type, shown, secret ? `${description} (secret)` : description]]
  })
}
