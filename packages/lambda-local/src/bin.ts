#!/usr/bin/env node
/**
 * The command `lambda-local`.
 */
// By its default: an older Node.js has no such name to import, and is to be told so below.
import module from "node:module"

const LEAST_NODE = 24

if (Number.parseInt(process.versions.node, 10) < LEAST_NODE) {
  process.stderr.write(
    `error: lambda-local needs Node.js ${LEAST_NODE} or later; this is Node.js ${process.versions.node}\n`
  )
  process.exit(1)
}
module.enableCompileCache()
const { main } = await import("./cli/Main.ts")
void main(process.argv.slice(2))
