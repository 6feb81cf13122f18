/**
 * The protocol's operations as scripts: `lua/<operation>.lua`, each behind the steps that all share: `lua/run.lua` and
 * `lua/run-*.lua`, for streams `lua/stream.lua`.
 *
 * A script is called by the hash of its text. A server that does not know it (a new one, or one that was restarted)
 * gets the text with the same call.
 */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import type { Cluster, Redis } from "ioredis"
import type { Answer } from "./Wire.ts"

/** The operations that are scripts. */
export type Operation =
  | "begin"
  | "complete"
  | "keep"
  | "adopt"
  | "renew"
  | "attach"
  | "detach"
  | "abandon"
  | "fail"
  | "cancel"
  | "remove"
  | "publish"
  | "state"
  | StreamOperation

/** Those on streams. */
export type StreamOperation = `stream-${"append" | "read" | "leave" | "abandon" | "remove"}`

/** A script's text and the hash that Redis knows it by. */
interface Script {
  readonly text: string
  readonly hash: string
}

const read = (name: string): string => readFileSync(new URL(`../lua/${name}.lua`, import.meta.url), "utf8")

/** Without comments and indentation, which the server need not be sent. */
const code = (source: string): string =>
  source
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("--"))
    .join("\n")

const scripts = new Map<Operation, Script>()
const shared = new Map<string, string>()

/** What operations share, in the order in which it is put in front of them. */
const SHARED = {
  run: ["run", "run-progress", "run-holders", "run-values", "run-end", "run-steps", "run-reply"],
  stream: ["stream"]
} as const

const sharedBy = (operation: Operation): string => {
  const name = operation.startsWith("stream-") ? "stream" : "run"
  const text = shared.get(name) ?? SHARED[name].map((part) => code(read(part))).join("\n")
  shared.set(name, text)
  return text
}

/** The script of an operation. */
const script = (operation: Operation): Script => {
  const known = scripts.get(operation)
  if (known !== undefined) return known
  const source = read(operation)
  // With this first line a server that is out of memory refuses the script as a whole, not in its middle.
  const flags = /^-- flags: (.+)$/m.exec(source)?.[1]
  const text = `#!lua${flags === undefined ? "" : ` flags=${flags}`}\n${sharedBy(operation)}\n${code(source)}\n`
  const made = { text, hash: createHash("sha1").update(text).digest("hex") }
  scripts.set(operation, made)
  return made
}

/** Runs an operation's script on the run whose keys begin with `base`; a server that does not know it gets its text. */
export const evaluate = async (
  commands: Redis | Cluster,
  operation: Operation,
  base: string,
  args: ReadonlyArray<string | number | Buffer>
): Promise<Answer> => {
  const { hash, text } = script(operation)
  try {
    return (await commands.callBuffer("EVALSHA", [hash, 1, base, ...args])) as Answer
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error
    return (await commands.callBuffer("EVAL", [text, 1, base, ...args])) as Answer
  }
}
