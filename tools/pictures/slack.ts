import { slack as notifier } from '@talon/notifier-slack'
import type { Logger } from '@talon/plugin'
import { startSlackReceiver } from '../counterparts/slack-receiver.ts'
import type { SlackBlock, SlackMessage, SlackText } from '../counterparts/slack-rules.ts'
import { screenshot } from './browser.ts'
import { report } from './report.ts'

const log: Logger = { debug() {}, info() {}, warn() {}, error() {} }

const STYLE = `
  body { margin: 0; padding: 16px 20px; font: 15px/1.47 Lato, 'Liberation Sans', sans-serif; color: #1d1c1d; background: #fff }
  .message { display: flex; gap: 10px }
  .avatar { width: 36px; height: 36px; border-radius: 6px; background: #3f4f3a; color: #fff; font: 700 14px/36px Lato; text-align: center; flex: none }
  .body { flex: 1 }
  .name { font-weight: 900 }
  .app { font-size: 10px; font-weight: 700; color: #616061; background: #e8e8e8; border-radius: 2px; padding: 1px 3px; margin: 0 6px }
  .time, .context { font-size: 12px; color: #616061 }
  .attachment { border-left: 4px solid; border-radius: 4px; padding: 2px 0 2px 12px; margin-top: 6px }
  .section, .context { margin: 6px 0; white-space: pre-wrap; overflow-wrap: anywhere }
  .fields { display: grid; grid-template-columns: 1fr 1fr; gap: 4px 16px }
  .context span + span::before { content: '  ' }
  .link { color: #1264a3 }`

/** The long message of one result, as the receiver got it, drawn about as Slack draws it; the picture beside it is made up. */
export async function slack(file: string): Promise<void> {
  const receiver = await startSlackReceiver()
  const http = await notifier.uses.http.open(notifier.uses.http.settings.parse({}), { log })
  try {
    const parameters = notifier.parameters.parse({ webhook_url: receiver.url })
    await notifier.run({ reports: [report], parameters, log, signal: AbortSignal.timeout(10_000) }, { http })
    const [message] = receiver.messages
    if (message) await screenshot(page(message), file, { width: 720 })
  } finally {
    await http.close()
    await receiver.close()
  }
}

function page({ username, blocks = [], attachments = [] }: SlackMessage): string {
  const attached = attachments.map(
    ({ color, blocks: inside = [] }) =>
      `<div class="attachment" style="border-color: ${color}">${inside.map(drawn).join('')}</div>`,
  )
  return `<!doctype html><meta charset="utf-8"><style>${STYLE}</style>
    <div class="message"><div class="avatar">FT</div><div class="body">
      <span class="name">${username}</span><span class="app">APP</span><span class="time">9:41 AM</span>
      ${blocks.map(drawn).join('')}${attached.join('')}
    </div></div>`
}

function drawn({ text, fields, elements }: SlackBlock): string {
  if (fields) return `<div class="section fields">${fields.map((one) => `<div>${written(one)}</div>`).join('')}</div>`
  if (elements) return `<div class="context">${elements.map((one) => `<span>${written(one)}</span>`).join('')}</div>`
  return text ? `<div class="section">${written(text)}</div>` : ''
}

/** Slack's escapes are those of HTML: what is literal there is literal here. */
function written({ type, text }: SlackText): string {
  if (type === 'plain_text') return text
  return text.replace(/^\*(.*)\*$/, '<b>$1</b>').replace(/^https?:\/\/\S+$/, '<span class="link">$&</span>')
}
