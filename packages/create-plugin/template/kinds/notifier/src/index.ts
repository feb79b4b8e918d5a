import { definePlugin } from '@talon/plugin'
import { notifier } from './notifier.ts'

export default definePlugin({ name: '__PACKAGE__', provides: [notifier] })
