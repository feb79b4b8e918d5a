#!/usr/bin/env node
import module from 'node:module'
import process from 'node:process'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(`talon needs Node.js 22.19 or later, this is ${process.version} (${process.execPath})`)
  process.exitCode = 2
} else {
  module.enableCompileCache?.()
  await import('../dist/main.js')
}
