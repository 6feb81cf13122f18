/**
 * Streams on Redis or Valkey: each operation is one script. Items are in a Redis stream, how far producer and readers are
 * in a hash of the run. All keys of a run are in its hash slot, and expire with the last sign of its producers' life.
 */
import type { InstanceId } from "@weft/core"
import {
  ABSENT,
  type Append,
  LIFE_MS,
  type StreamRead,
  type StreamState,
  type StreamStatus,
  Streams
} from "@weft/storage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Channels } from "./Channels.ts"
import { fieldOf } from "./Ids.ts"
import * as Scan from "./internal/Scan.ts"
import { RedisClient } from "./Redis.ts"
import { evaluate, type StreamOperation } from "./Scripts.ts"
import * as Wire from "./Wire.ts"

/** On the connection that `RedisClient` has. */
export const layerOf = ({
  lifeMs = LIFE_MS
}: {
  readonly lifeMs?: number
}): Layer.Layer<Streams, never, RedisClient> => Layer.effect(Streams, make(lifeMs))

const make = (lifeMs: number) =>
  Effect.gen(function* () {
    const client = yield* RedisClient
    const { commands, prefix } = client
    const channels = yield* Channels.make(client)
    const keyOf = (run: string) => `${prefix}:{${run}}`

    const ask = <A>(
      operation: StreamOperation,
      run: string,
      args: ReadonlyArray<string | number | Buffer>,
      decode: (answer: Wire.Answer) => A
    ) =>
      client.ask(OPERATIONS[operation], async () =>
        decode(await evaluate(commands, operation, keyOf(run), args))
      )

    const fromAppend = (append: Append): ReadonlyArray<string | Buffer> => [
      JSON.stringify([
        append.producer,
        append.attempt,
        append.at,
        append.readers,
        append.hold,
        append.whole,
        append.end ?? null,
        append.total ?? null,
        append.error ?? null,
        lifeMs,
        Math.round(client.options.abandonedMs),
        append.limit
      ]),
      ...append.items.map(Wire.bufferOf)
    ]

    return Streams.of({
      lifeMs,
      append: (run, stream, append) =>
        ask("stream-append", run, [fieldOf(stream), ...fromAppend(append)], toAppended),
      read: (run, stream, { from, max, reader, worker }: StreamRead) =>
        ask("stream-read", run, [fieldOf(stream), reader, worker, from ?? -1, max, lifeMs], toState),
      leave: (run, stream, reader) => ask("stream-leave", run, [fieldOf(stream), reader], () => undefined),
      abandon: (run, workers) => ask("stream-abandon", run, workers, () => undefined),
      removeRun: (run) => ask("stream-remove", run, [], () => undefined),
      usage: Effect.map(
        client.ask("count streams", () =>
          Promise.all(
            client.masters().map((node) =>
              Scan.sum(node, `${Scan.literally(prefix)}:{*}:streams`, async (key) => {
                const states = await node.hgetall(key)
                const counts = await Promise.all(
                  Object.entries(states).map(async ([stream, state]) => {
                    const { readers } = JSON.parse(state) as { readonly readers: object }
                    const items = await node.xlen(key.replace(/streams$/, `items:${stream}`))
                    return 1 + items + Object.keys(readers).length
                  })
                )
                return counts.reduce((sum, count) => sum + count, 0)
              })
            )
          )
        ),
        (counts) => counts.reduce((sum, count) => sum + count, 0)
      ),
      subscribe: (run, stream: InstanceId, news, listener) =>
        channels.subscribe(`${keyOf(run)}:items:${fieldOf(stream)}:${news}`, () => listener())
    })
  })

/** The same, with the usual patience. */
export const layer: Layer.Layer<Streams, never, RedisClient> = layerOf({})

/** As people are told. */
const OPERATIONS: Readonly<Record<StreamOperation, string>> = {
  "stream-append": "append to a stream",
  "stream-read": "read a stream",
  "stream-leave": "leave a stream",
  "stream-abandon": "abandon streams",
  "stream-remove": "remove a run's streams"
}

const numberOf = (answer: Wire.Answer | undefined): number | undefined =>
  answer === null || answer === undefined ? undefined : Number(answer)

const toAppended = (answer: Wire.Answer) => {
  const [mine, first, next, begun, left, read, needed] = Wire.listOf(answer)
  return {
    mine: mine === 1,
    first: Number(first),
    next: Number(next),
    begun: Number(begun),
    left: Number(left),
    read: numberOf(read),
    needed: numberOf(needed)
  }
}

const toState = (answer: Wire.Answer): StreamState => {
  if (answer === null) return ABSENT
  const [first, next, status, total, whole, error, items] = Wire.listOf(answer)
  return {
    items: Wire.listOf(items) as ReadonlyArray<Buffer>,
    first: Number(first),
    next: Number(next),
    status: String(status) as StreamStatus,
    total: numberOf(total),
    whole: whole === 1,
    error: error === null ? undefined : String(error)
  }
}
