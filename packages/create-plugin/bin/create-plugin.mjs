#!/usr/bin/env node
import process from 'node:process'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(`create-plugin needs Node.js 22.19 or later, this is ${process.version} (${process.execPath})`)
  process.exitCode = 2
} else {
  const { main } = await import('../dist/main.js')
  process.exitCode = await main(process.argv.slice(2))
}
