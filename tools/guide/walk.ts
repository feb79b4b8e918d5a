import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Block } from './pages.ts'
import { openTerminal, type Terminal } from './terminal.ts'

/** What a block's comments say of it. */
const STAYS = /^# keeps running/m
const NEEDS = /^# needs: (.+)$/m
const STATUS = /# exit status (\d+)/
/** Milliseconds that a slow machine may need until a line is in the log. */
const PATIENCE = 60_000

/**
 * Follows a page: each `sh` block is run after the one before, in one folder.
 *
 * - `# keeps running` in a block: it stays in a terminal of its own.
 * - `# needs: a cluster`: it is not run, and only its syntax is looked at.
 * - `# exit status 1`: that is how it ends.
 * - a `text` block after it is what it prints, in this order; `…` stands for anything, a line `…` for any lines.
 * - a `log` block is what the one that stays prints.
 *
 * @throws with the line and what was printed where it goes otherwise
 */
export async function walk(blocks: readonly Block[]): Promise<void> {
  const terminal = await openTerminal()
  let output = ''
  try {
    for (const { language, text, line } of blocks)
      try {
        if (language === 'sh') output = await follow(terminal, text)
        else if (language === 'text') expectLines(output, text)
        else if (language === 'log') await expectSoon(() => terminal.printed(), text)
      } catch (error) {
        throw new Error(`line ${line}: ${(error as Error).message}`, { cause: error })
      }
  } finally {
    await terminal.close()
  }
}

/** Blocks of which only the syntax is looked at, by their first command. */
export function notRun(blocks: readonly Block[]): string[] {
  const left = blocks.filter(({ language, text }) => language === 'sh' && NEEDS.test(text))
  return left.map(({ text }) => `${NEEDS.exec(text)?.[1]}: ${text.split('\n').find((line) => !line.startsWith('#'))}`)
}

async function follow(terminal: Terminal, text: string): Promise<string> {
  if (NEEDS.test(text)) {
    const { status, stderr } = spawnSync('bash', ['-n', '-c', text], { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    return ''
  }
  if (STAYS.test(text)) {
    await terminal.keep(text)
    return ''
  }
  const { status, output } = await terminal.run(text)
  const wanted = Number(STATUS.exec(text)?.[1] ?? 0)
  if (status !== wanted) throw new Error(`ended with ${status}:\n${output}`)
  return output
}

async function expectSoon(read: () => string, wanted: string): Promise<void> {
  for (const began = Date.now(); ; await sleep(100))
    try {
      return expectLines(read(), wanted)
    } catch (error) {
      if (Date.now() - began > PATIENCE) throw error
    }
}

function expectLines(output: string, wanted: string): void {
  const lines = output.split('\n')
  let from = 0
  for (const line of wanted.split('\n').filter((line) => line.trim() && line.trim() !== '…')) {
    const pattern = new RegExp(
      `^${line
        .trimEnd()
        .split(/\s*…\s*/)
        .map(quoted)
        .join('.*')}\\s*$`,
    )
    const found = lines.findIndex((one, at) => at >= from && pattern.test(one))
    if (found < 0) throw new Error(`no line ${JSON.stringify(line)} in\n${output}`)
    from = found + 1
  }
}

const quoted = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
