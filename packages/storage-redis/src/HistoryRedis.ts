/**
 * History on Redis or Valkey. Records stay until there are `historyRuns` newer ones of the same workflow. All are in one
 * hash slot; the keys are listed in `lua/history.lua`.
 */
import { readFileSync } from "node:fs"
import { History, RunRecord, StoreError } from "@weft/storage"
import { Effect, Layer, Schema } from "effect"
import { RedisClient } from "./Redis.ts"

const SCRIPT = readFileSync(new URL("../lua/history.lua", import.meta.url), "utf8")
/** What members begin with, in characters: see the script. */
const COUNT_DIGITS = 16
const DEFAULT_LIMIT = 100

const RecordJson = Schema.fromJsonString(RunRecord)
const encode = Schema.encodeEffect(RecordJson)
const decode = Schema.decodeUnknownEffect(RecordJson)
/** Of a later version: not wrong, but not for us. */
const decodeLaterVersion = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ version: Schema.Int.pipe(Schema.check(Schema.isGreaterThan(2))) }))
)

/** History on the connection that `RedisClient` has. */
export const layer: Layer.Layer<History, never, RedisClient> = Layer.effect(
  History,
  Effect.gen(function* () {
    const { ask, commands, options, prefix } = yield* RedisClient
    const base = `${prefix}:{history}`

    const read = (run: string, json: string) =>
      Effect.mapError(
        decode(json),
        (cause) =>
          new StoreError({
            reason: "corrupt",
            operation: "read the history",
            detail:
              `the record ${run} in ${base}:runs cannot be read. Remove it (\`HDEL ${base}:runs ${run}\`), or choose ` +
              "another `prefix` if another program uses the same names",
            cause
          })
      )

    /** The records of some members of an index; those that have gone meanwhile, or are not for us, are left out. */
    const recordsOf = (members: ReadonlyArray<string>) =>
      Effect.gen(function* () {
        if (members.length === 0) return []
        const runs = members.map((member) => member.slice(COUNT_DIGITS))
        const found = yield* ask("read the history", () => commands.hmget(`${base}:runs`, ...runs))
        return yield* Effect.forEach(
          found.flatMap((json, i) =>
            json === null || decodeLaterVersion(json)._tag === "Some" ? [] : [{ json, run: runs[i]! }]
          ),
          ({ json, run }) => read(run, json)
        )
      })

    return History.of({
      record: (record) =>
        Effect.flatMap(Effect.orDie(encode(record)), (json) =>
          Effect.asVoid(
            ask("record a run", () =>
              commands.eval(
                SCRIPT,
                1,
                base,
                "record",
                record.run,
                record.workflow,
                record.signature,
                record.begunAt,
                json,
                options.historyRuns
              )
            )
          )
        ),

      runs: ({ limit = DEFAULT_LIMIT, signature, workflow }) =>
        Effect.gen(function* () {
          // A signature is of one workflow, nearly always.
          const index =
            signature !== undefined
              ? `${base}:signature:${signature}`
              : workflow !== undefined
                ? `${base}:workflow:${workflow}`
                : `${base}:all`
          const wanted: Array<RunRecord> = []
          for (let start = 0; wanted.length < limit; ) {
            const stop = start + limit - wanted.length - 1
            const members = yield* ask("read the history", () => commands.zrevrange(index, start, stop))
            if (members.length === 0) break
            start = stop + 1
            const records = yield* recordsOf(members)
            wanted.push(...records.filter((record) => workflow === undefined || record.workflow === workflow))
          }
          return wanted
        }),

      details: () => Effect.die("not yet"),
      prune: () => Effect.die("not yet"),
      summaries: () => Effect.die("not yet"),
      replace: () => Effect.die("not yet"),
      keys: Effect.die("not yet"),
      removeSummaries: () => Effect.die("not yet"),
      upload: () => Effect.die("not yet"),
      batches: () => Effect.die("not yet"),
      remove: (run) => Effect.asVoid(ask("remove a run", () => commands.eval(SCRIPT, 1, base, "remove", run)))
    })
  })
)
