/**
 * History on Redis or Valkey. Records stay until there are `historyRuns` newer ones of the same workflow, their details until
 * there are `historyDetails`, batches until nobody has spoken about their run for `abandonedMs`. All are in one hash slot; the
 * keys are listed in `lua/history.lua`.
 */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import {
  checkPruning,
  decodeRecord,
  encodeRecord,
  History,
  limitOf,
  type RunRecord,
  type Summary
} from "@weft/storage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { RedisClient } from "./Redis.ts"
import { bufferOf } from "./Wire.ts"

const SCRIPT = readFileSync(new URL("../lua/history.lua", import.meta.url), "utf8")
const HASH = createHash("sha1").update(SCRIPT).digest("hex")
/** What members begin with, in characters: see the script. */
const COUNT_DIGITS = 16
/** How many records are read, or removed, at once: others wait meanwhile. */
const PAGE = 500

type Argument = string | number | Buffer

/** History on the connection that `RedisClient` has. */
export const layer: Layer.Layer<History, never, RedisClient> = Layer.effect(
  History,
  Effect.gen(function* () {
    const { ask, commands, options, prefix } = yield* RedisClient
    const base = `${prefix}:{history}`

    /** Calls the script; a server that does not know it gets its text. */
    const evaluate = (operation: string, ...args: ReadonlyArray<Argument>) =>
      ask(operation, async () => {
        try {
          return await commands.callBuffer("EVALSHA", [HASH, 1, base, ...args])
        } catch (error) {
          if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error
          return await commands.callBuffer("EVAL", [SCRIPT, 1, base, ...args])
        }
      })

    /** The members of an index, the newest first, a page at a time, until `take` has enough. */
    const pages = Effect.fnUntraced(function* <E>(
      index: string,
      take: (members: ReadonlyArray<string>) => Effect.Effect<"more" | "enough", E>
    ) {
      for (let start = 0; ; start += PAGE) {
        const members = yield* ask("read the history", () =>
          commands.zrevrange(index, start, start + PAGE - 1)
        )
        if (members.length === 0 || (yield* take(members)) === "enough" || members.length < PAGE) return
      }
    })

    /** What a hash of the history has for some members of an index. */
    const fieldsOf = (hash: "runs" | "places", members: ReadonlyArray<string>) =>
      ask("read the history", () => commands.hmget(`${base}:${hash}`, ...members.map(runOf)))

    const summariesOf = (keys: ReadonlyArray<string>) =>
      Effect.map(
        ask("read the history", () => commands.hmgetBuffer(`${base}:summaries`, ...keys)),
        (found) => found.map(toSummary)
      )

    return History.of({
      record: (record, details) =>
        Effect.flatMap(encodeRecord(record), (text) =>
          Effect.asVoid(
            evaluate(
              "record a run",
              ...["record", record.run, record.workflow, record.signature, record.begunAt, text],
              ...[options.historyRuns, options.historyDetails],
              ...(details === undefined ? [] : [bufferOf(details)])
            )
          )
        ),

      runs: ({ signature, workflow, ...query }) =>
        Effect.gen(function* () {
          const limit = yield* limitOf(query)
          // A signature is of one workflow, nearly always.
          const index =
            signature !== undefined
              ? `${base}:signature:${signature}`
              : workflow !== undefined
                ? `${base}:workflow:${workflow}`
                : `${base}:all`
          const wanted: Array<RunRecord> = []
          if (limit === 0) return wanted
          yield* pages(index, (members) =>
            Effect.map(fieldsOf("runs", members), (found) => {
              for (const text of found) {
                const record = decodeRecord(text)
                if (record === undefined || (workflow !== undefined && record.workflow !== workflow)) continue
                if (wanted.push(record) >= limit) return "enough"
              }
              return "more"
            })
          )
          return wanted
        }),

      unreadable: Effect.gen(function* () {
        let count = 0
        yield* pages(`${base}:all`, (members) =>
          Effect.map(fieldsOf("runs", members), (found) => {
            count += found.filter((text) => text !== null && decodeRecord(text) === undefined).length
            return "more"
          })
        )
        return count
      }),

      details: (run) =>
        Effect.map(
          ask("read the history", () => commands.hgetBuffer(`${base}:details`, run)),
          (found) => found ?? undefined
        ),

      remove: (run) => Effect.asVoid(evaluate("remove a run", "remove", run)),

      prune: (which) =>
        Effect.gen(function* () {
          yield* checkPruning(which)
          const { before = Number.NEGATIVE_INFINITY, keep = Number.POSITIVE_INFINITY } = which
          const seen = new Map<string, number>()
          const due: Array<string> = []
          for (let start = 0; ; start += PAGE) {
            const page = yield* ask("prune the history", () =>
              commands.zrevrange(`${base}:all`, start, start + PAGE - 1, "WITHSCORES")
            )
            if (page.length === 0) break
            const members = page.filter((_, i) => i % 2 === 0)
            const places = yield* fieldsOf("places", members)
            for (const [i, member] of members.entries()) {
              const workflow = workflowOf(places[i])
              const newer = seen.get(workflow) ?? 0
              seen.set(workflow, newer + 1)
              if (Number(page[2 * i + 1]) < before || newer >= keep) due.push(runOf(member))
            }
          }
          let removed = 0
          for (let i = 0; i < due.length; i += PAGE) {
            removed += Number(yield* evaluate("prune the history", "remove", ...due.slice(i, i + PAGE)))
          }
          return removed
        }),

      summaries: (keys) => (keys.length === 0 ? Effect.succeed([]) : summariesOf(keys)),

      replace: (key, bytes, revision) =>
        Effect.map(
          evaluate("write to the history", "replace", key, revision ?? "", bufferOf(bytes)),
          (answer) => answer === 1
        ),

      keys: ask("read the history", () => commands.hkeys(`${base}:summaries`)),

      removeSummaries: (keys) =>
        keys.length === 0
          ? Effect.void
          : Effect.asVoid(ask("write to the history", () => commands.hdel(`${base}:summaries`, ...keys))),

      upload: (run, batch) =>
        Effect.asVoid(
          evaluate(
            "write to the history",
            ...["upload", run, bufferOf(batch), Math.round(options.abandonedMs)]
          )
        ),

      batches: (run) => ask("read the history", () => commands.lrangeBuffer(`${base}:batches:${run}`, 0, -1))
    })
  })
)

const runOf = (member: string) => member.slice(COUNT_DIGITS)

/** The workflow in a place, as the script writes it; what is none is taken for a workflow of its own. */
const workflowOf = (place: string | null | undefined): string => {
  try {
    const [, workflow] = JSON.parse(place ?? "") as ReadonlyArray<unknown>
    return String(workflow)
  } catch {
    return ""
  }
}

/** A summary as the script writes it: its revision, a colon, its bytes. */
const toSummary = (found: Buffer | null): Summary | undefined => {
  const colon = found?.indexOf(":") ?? -1
  if (found === null || colon === -1) return
  return { revision: Number(found.toString("latin1", 0, colon)), bytes: found.subarray(colon + 1) }
}
