#!/usr/bin/env node
/**
 * The command `weft`.
 */
import { enableCompileCache } from "node:module"

const LEAST_NODE = 24

if (Number.parseInt(process.versions.node, 10) < LEAST_NODE) {
  process.stderr.write(
    `error: weft needs Node.js ${LEAST_NODE} or later; this is Node.js ${process.versions.node}\n`
  )
  process.exit(1)
}
enableCompileCache()
const { main } = await import("./cli/Main.ts")
void main(process.argv.slice(2))
