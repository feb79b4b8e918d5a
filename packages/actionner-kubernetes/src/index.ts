import { definePlugin } from '@talon/plugin'
import { annotation } from './annotation.ts'
import { cordon } from './cordon.ts'
import { delete as deletion } from './delete.ts'
import { drain } from './drain.ts'
import { exec } from './exec.ts'
import { label } from './label.ts'
import { log } from './log.ts'
import { script } from './script.ts'
import { terminate } from './terminate.ts'

export { annotation, cordon, deletion as delete, drain, exec, label, log, script, terminate }
export default definePlugin({
  name: '@talon/actionner-kubernetes',
  provides: [annotation, cordon, deletion, drain, exec, label, log, script, terminate],
})
