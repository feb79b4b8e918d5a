import { definePlugin } from '@talon/plugin'
import { annotation } from './annotation.ts'
import { cordon } from './cordon.ts'
import { delete as deletion } from './delete.ts'
import { download } from './download.ts'
import { drain } from './drain.ts'
import { exec } from './exec.ts'
import { label } from './label.ts'
import { log } from './log.ts'
import { networkpolicy } from './networkpolicy.ts'
import { script } from './script.ts'
import { sysdig } from './sysdig.ts'
import { tcpdump } from './tcpdump.ts'
import { terminate } from './terminate.ts'

export {
  annotation,
  cordon,
  deletion as delete,
  download,
  drain,
  exec,
  label,
  log,
  networkpolicy,
  script,
  sysdig,
  tcpdump,
  terminate,
}
export default definePlugin({
  name: '@talon/actionner-kubernetes',
  provides: [
    annotation,
    cordon,
    deletion,
    download,
    drain,
    exec,
    label,
    log,
    networkpolicy,
    script,
    sysdig,
    tcpdump,
    terminate,
  ],
})
