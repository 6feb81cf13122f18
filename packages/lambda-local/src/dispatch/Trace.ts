/**
 * The header X-Amzn-Trace-Id, and in it the lineage by which Lambda counts how often functions have called themselves.
 *
 * `Root=1-<time>-<id>;Parent=<id>;Sampled=0;Lineage=a87bd80c:3|68fd508a:0`: how often each function had been invoked
 * before within this chain of requests. AWS SDKs hand the header on within functions, from `_X_AMZN_TRACE_ID`. AWS has a
 * second form of the lineage of which no description is published; this is the first.
 */
import { hash, randomBytes } from "node:crypto"

/** A function is invoked so often within one chain of requests. */
export const MOST_IN_CHAIN = 16
/** The lineage keeps so many functions, the last ones. */
const MOST_FUNCTIONS = 16

/** What an invocation is part of. */
export interface Trace {
  /** The header for the invocation. */
  readonly header: string
  /** How often the function had been invoked before, within the chain. */
  readonly before: number
}

/** The trace of an invocation, from the header of the request for it. */
export const follow = (header: string | undefined, functionArn: string): Trace => {
  const fields = new Map(
    (header ?? "").split(";").flatMap((field): ReadonlyArray<[string, string]> => {
      const at = field.indexOf("=")
      return at === -1 ? [] : [[field.slice(0, at).trim(), field.slice(at + 1).trim()]]
    })
  )
  const id = hash("sha256", functionArn).slice(0, 8)
  const lineage = new Map(
    (fields.get("Lineage") ?? "").split("|").flatMap((entry): ReadonlyArray<[string, number]> => {
      const [, one, count] = /^([0-9a-f]{8}):(\d{1,5})$/.exec(entry) ?? []
      return one === undefined ? [] : [[one, Number(count)]]
    })
  )
  const known = lineage.get(id)
  const before = known === undefined ? 0 : known + 1
  lineage.delete(id)
  const entries = [...lineage, [id, before] as const].slice(-MOST_FUNCTIONS)
  const root = fields.get("Root") ?? `1-${seconds()}-${randomBytes(12).toString("hex")}`
  return {
    header: [
      `Root=${root}`,
      `Parent=${randomBytes(8).toString("hex")}`,
      `Sampled=${fields.get("Sampled") === "1" ? "1" : "0"}`,
      `Lineage=${entries.map(([one, count]) => `${one}:${count}`).join("|")}`
    ].join(";"),
    before
  }
}

const seconds = () => Math.floor(Date.now() / 1000).toString(16)
