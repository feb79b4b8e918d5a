import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { chromium } from 'playwright-core'

export interface ScreenshotOptions {
  /** Pixels. */
  readonly width?: number
  readonly scheme?: 'light' | 'dark'
}

/** Shows a page in a real browser, without a network, and keeps what is seen of it, whole, as a PNG file. */
export async function screenshot(
  html: string,
  file: string,
  { width = 800, scheme = 'light' }: ScreenshotOptions = {},
): Promise<void> {
  // Its sandbox needs rights that root in a container lacks, and the page is our own.
  const browser = await chromium.launch({ executablePath: await browserPath(), args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage({
      viewport: { width, height: 100 },
      deviceScaleFactor: 2,
      colorScheme: scheme,
      javaScriptEnabled: false,
      offline: true,
    })
    await page.setContent(html)
    await page.screenshot({ path: file, fullPage: true })
  } finally {
    await browser.close()
  }
}

/** `$CHROMIUM`, else a Chromium or Chrome of this machine. @throws where there is none. */
async function browserPath(): Promise<string> {
  const given = process.env['CHROMIUM']
  if (given) return given
  for (const folder of (process.env['PATH'] ?? '').split(delimiter))
    for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
      const path = join(folder, name)
      if (
        await access(path).then(
          () => true,
          () => false,
        )
      )
        return path
    }
  throw new Error("there is no browser: install Debian's package chromium, or set CHROMIUM to the path of one")
}
