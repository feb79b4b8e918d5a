import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { talon } from './talon.fixture.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'talon-verify-'))))
afterEach(() => rmSync(folder, { recursive: true }))

/** Two files and their manifest. */
function evidence(...more: object[]): string {
  const of = (key: string, content: string) => {
    writeFileSync(join(folder, key), content)
    const sha256 = createHash('sha256').update(content).digest('hex')
    return {
      key,
      name: key,
      size: content.length,
      sha256,
      rule: 'r',
      action: 'a',
      actionner: 'x:y',
      collected: 't',
      stored: 't',
    }
  }
  const event = { id: '1', rule: 'Shell', time: '', received: '', hostname: 'node-1', traceId: '' }
  const artifacts = [of('pod.log', 'logs'), of('core.bin', 'core'), ...more]
  const path = join(folder, '1.manifest.json')
  writeFileSync(path, JSON.stringify({ schema: 'talon.manifest/1', event, target: 'local:file', artifacts }))
  return path
}

describe('talon verify', () => {
  it('says that all is as the manifest says', () => {
    const { status, stdout } = talon(['verify', evidence()])
    expect([status, stdout]).toEqual([0, '✓ "pod.log"\n✓ "core.bin"\n2 artifacts, all as the manifest says\n'])
  })

  it('finds what was changed, cut, or taken away', () => {
    const path = evidence()
    writeFileSync(join(folder, 'pod.log'), 'lies')
    writeFileSync(join(folder, 'core.bin'), 'co')
    const { status, stdout } = talon(['verify', path])
    expect(status).toBe(1)
    expect(stdout).toMatch(
      /"pod\.log" has other content[^]*"core\.bin" has 2 bytes instead of 4[^]*2 of 2 artifacts not/,
    )
    rmSync(join(folder, 'core.bin'))
    expect(talon(['verify', path]).stdout).toContain('"core.bin" is missing in')
  })

  it('follows no name out of the folder', () => {
    const { status, stdout } = talon([
      'verify',
      evidence({
        ...JSON.parse('{"key":"../x"}'),
        name: 'x',
        size: 1,
        sha256: '',
        rule: '',
        action: '',
        actionner: '',
        collected: '',
        stored: '',
      }),
    ])
    expect([status, stdout]).toEqual([1, expect.stringContaining('"../x" is no name of a file')])
  })

  it('says what a manifest is where it is given none', () => {
    const path = join(folder, 'x.json')
    writeFileSync(path, '{}')
    for (const wrong of [path, join(folder, 'nowhere')]) {
      const { status, stderr } = talon(['verify', wrong])
      expect([status, stderr]).toEqual([2, expect.stringMatching(/is no manifest|cannot be read \(ENOENT\)/)])
    }
  })
})
