/** A process of its own as a vessel. */
import { type ChildProcess, fork } from "node:child_process"
import module from "node:module"
import type { Socket } from "node:net"
import { dirname } from "node:path"
import { fileURLToPath } from "node:url"
import { isFromVessel } from "../pool/Protocol.ts"
import type { Launch, VesselSettings } from "../pool/Vessel.ts"
import { isCrashed, type Opening, type ProcessSettings } from "./Protocol.ts"

/** Processes that have to end with this one. */
const children = new Set<ChildProcess>()
const endAll = () => {
  for (const child of children) child.kill("SIGKILL")
}

/** How much of a process's stderr is looked through for what ended it, in characters. */
const TAIL = 4096
/** How long after its end a process's last words are waited for, in ms. */
const LAST_WORDS_MS = 200

/** Where this process keeps what it has compiled, if it does: the new one need not compile it again. */
const compiled = (): NodeJS.ProcessEnv => {
  const cache = module.getCompileCacheDir()
  // The folder of this version of Node.js, in that which one names.
  return cache === undefined ? {} : { NODE_COMPILE_CACHE: dirname(cache) }
}

/**
 * How processes are started.
 *
 * @param heapMiB the most that a process's heap may grow to
 */
export const launch =
  (settings: VesselSettings, heapMiB: number | undefined): Launch<Opening> =>
  ({ ended, receive }) => {
    // From source the entry is a .ts file, which Node runs as it is.
    const entry = new URL(import.meta.url.endsWith(".ts") ? "./entry.ts" : "./entry.js", import.meta.url)
    const child = fork(
      fileURLToPath(entry),
      [JSON.stringify({ ...settings, parent: process.pid } satisfies ProcessSettings)],
      {
        serialization: "advanced",
        stdio: ["ignore", "pipe", "pipe", "ipc"],
        env: { ...process.env, ...compiled() },
        execArgv: [
          ...inheritedArguments(),
          ...(heapMiB === undefined ? [] : [`--max-old-space-size=${heapMiB}`])
        ]
      }
    )
    if (children.size === 0) process.on("exit", endAll)
    children.add(child)
    let crashed: string | undefined
    let tail = ""
    let isOver = false
    const over = (reason: string) => {
      if (isOver) return
      isOver = true
      children.delete(child)
      if (children.size === 0) process.off("exit", endAll)
      ended(reason)
    }
    child.on("message", (message) => {
      // Tasks run there, too: whatever else comes is not for us.
      if (isFromVessel(message)) receive(message)
      else if (isCrashed(message)) crashed = message.error
    })
    child.stdout!.on("data", (chunk: Buffer) => process.stdout.write(chunk))
    child.stderr!.on("data", (chunk: Buffer) => {
      tail = (tail + chunk.toString()).slice(-TAIL)
      process.stderr.write(chunk)
    })
    child.on("error", (error) => {
      if (child.pid === undefined) over(`its process could not be started: ${error.message}`)
    })
    child.on("exit", (code, signal) => {
      const words = [once(child, "close"), ...(child.connected ? [once(child, "disconnect")] : [])]
      const late = new Promise((resume) => setTimeout(resume, LAST_WORDS_MS))
      void Promise.race([Promise.all(words), late]).then(() => over(describe(code, signal, crashed, tail)))
    })
    // After the listeners, which hold this process again.
    child.unref()
    child.channel?.unref()
    for (const stream of [child.stdout, child.stderr]) (stream as Socket).unref()
    return {
      send: (message) => {
        // It may have just ended; then its workers are lost, and this with them.
        if (child.connected) child.send(message, () => {})
      },
      end: () => {
        // Whoever waits for its end must not end before.
        child.ref()
        child.kill("SIGKILL")
      }
    }
  }

const once = (child: ChildProcess, event: "close" | "disconnect") =>
  new Promise<void>((resume) => child.once(event, () => resume()))

/** Why a process ended, as the end of "lost, because …". */
const describe = (
  code: number | null,
  signal: NodeJS.Signals | null,
  crashed: string | undefined,
  tail: string
): string => {
  if (crashed !== undefined) return `its process ended by an uncaught error: ${crashed}`
  if (tail.includes("JavaScript heap out of memory")) return "its process ran out of heap memory"
  if (signal !== null) return `its process was ended by ${signal}`
  // What Node.js said, if it could not even begin.
  const error = tail.split("\n").findLast((line) => /^\w*Error\b.*: /.test(line))
  return `its process ended with exit code ${code}${error === undefined ? "" : `: ${error}`}`
}

/** Options of this process that make no sense in another: debuggers, code of its own, other ways to run. */
const OWN =
  /^(--inspect|--debug-port|--eval$|-e$|--print$|-p$|-pe$|--check$|-c$|--interactive$|-i$|--test|--watch|--run$|--input-type)/

/** Node's options that processes get from this one, such as `--conditions` and `--import`. */
const inheritedArguments = (): ReadonlyArray<string> => {
  const code = (process as { readonly _eval?: string })._eval
  return process.execArgv.filter((argument) => !OWN.test(argument) && argument !== code)
}
