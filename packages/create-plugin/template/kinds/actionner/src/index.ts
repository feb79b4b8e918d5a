import { definePlugin } from '@talon/plugin'
import { actionner } from './actionner.ts'

export default definePlugin({ name: '__PACKAGE__', provides: [actionner] })
