/**
 * `local-cloud COMMAND [ARGUMENTS]`: runs a command beside a Redis, S3 and Lambda of its own, which it finds as it would
 * find those of AWS. Ends with the command, and with its exit code.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { availableParallelism, constants } from "node:os"
import { startCloud } from "./Cloud.ts"

const [command, ...args] = process.argv.slice(2)
if (command === undefined) {
  process.stderr.write("usage: local-cloud COMMAND [ARGUMENTS]\n")
  process.exit(2)
}

// Ctrl-C reaches the command, too, a request to end is passed on. Both times it is waited for, so that nothing is left.
let child: ChildProcess | undefined
let isOver = false
process.on("SIGINT", () => {})
process.on("SIGTERM", () => {
  isOver = true
  child?.kill("SIGTERM")
})

/** An account that allows no more than this machine bears: each cold start takes a core for a tenth of a second. */
const CONCURRENCY = 4 * availableParallelism()
/** What is throttled waits for seconds on AWS, and up to minutes. Here somebody looks on. */
const THROTTLED_MS = { first: 50, most: 500 }

await using cloud = await startCloud({
  lambda: { concurrency: CONCURRENCY, throttleBackoffMs: THROTTLED_MS }
})
if (!isOver) {
  child = spawn(command, args, { stdio: "inherit", env: { ...process.env, ...cloud.variables } })
  try {
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null]
    process.exitCode = code ?? 128 + constants.signals[signal ?? "SIGTERM"]
  } catch (error) {
    process.stderr.write(`error: ${command} cannot be run: ${(error as Error).message}\n`)
    process.exitCode = 127
  }
}
