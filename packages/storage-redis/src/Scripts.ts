/**
 * The protocol's operations as scripts: `lua/<operation>.lua`, each behind the steps that all share (`lua/run.lua`).
 *
 * A script is called by the hash of its text. A server that does not know it (a new one, or one that was restarted)
 * gets the text with the same call.
 */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"

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
  | "state"

/** A script's text and the hash that Redis knows it by. */
export interface Script {
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
let shared: string | undefined

/** The script of an operation. */
export const script = (operation: Operation): Script => {
  const known = scripts.get(operation)
  if (known !== undefined) return known
  shared ??= code(read("run"))
  const source = read(operation)
  // With this first line a server that is out of memory refuses the script as a whole, not in its middle.
  const flags = /^-- flags: (.+)$/m.exec(source)?.[1]
  const text = `#!lua${flags === undefined ? "" : ` flags=${flags}`}\n${shared}\n${code(source)}\n`
  const made = { text, hash: createHash("sha1").update(text).digest("hex") }
  scripts.set(operation, made)
  return made
}
