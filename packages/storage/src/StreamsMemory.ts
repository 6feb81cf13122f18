/** Streams in this process's memory: the reference, and what the `inline` and `threads` engines use. */
import type { InstanceId } from "@weft/core"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Channels } from "./internal/Channels.ts"
import { MemoryStream } from "./internal/MemoryStream.ts"
import { ABSENT, LIFE_MS, type StreamNews, Streams } from "./Streams.ts"

/** The in-memory adapter. Each build of the layer is a store of its own. Does not copy the bytes that it is given. */
export const layerOf = ({ lifeMs = LIFE_MS }: { readonly lifeMs?: number }): Layer.Layer<Streams> =>
  Layer.effect(Streams, make(lifeMs))

const make = (lifeMs: number) =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const context = yield* Effect.context()
    const runs = new Map<string, Map<InstanceId, MemoryStream>>()
    const channels = new Channels<void>((error) => {
      Effect.runForkWith(context)(Effect.logError("a listener failed on a message of a stream", error))
    })
    const drop = (run: string, stream: InstanceId) => {
      const streams = runs.get(run)
      streams?.delete(stream)
      if (streams?.size === 0) runs.delete(run)
    }
    const open = (run: string, stream: InstanceId): MemoryStream => {
      const streams = runs.get(run) ?? new Map<InstanceId, MemoryStream>()
      const made = new MemoryStream(lifeMs)
      runs.set(run, streams.set(stream, made))
      return made
    }
    const tell = (run: string, stream: InstanceId, news: StreamNews) =>
      channels.publish(run, `${news} ${stream}`, undefined)
    return Streams.of({
      lifeMs,
      append: (run, stream, append) =>
        Effect.sync(() => {
          const known = runs.get(run)?.get(stream) ?? (append.at === 0 ? open(run, stream) : undefined)
          if (known === undefined)
            return { mine: false, first: 0, next: 0, begun: 0, left: 0, read: undefined, needed: undefined }
          const [reply, news] = known.append(append, clock.currentTimeMillisUnsafe())
          if (known.isOver) drop(run, stream)
          if (news) tell(run, stream, "items")
          return reply
        }),
      read: (run, stream, read) =>
        Effect.sync(() => {
          const known = runs.get(run)?.get(stream)
          if (known === undefined) return ABSENT
          const [state, news] = known.read(read, clock.currentTimeMillisUnsafe())
          if (news) tell(run, stream, "readers")
          return state
        }),
      leave: (run, stream, reader) =>
        Effect.sync(() => {
          const known = runs.get(run)?.get(stream)
          if (known === undefined) return
          known.leave(reader, clock.currentTimeMillisUnsafe())
          if (known.isOver) drop(run, stream)
          tell(run, stream, "readers")
        }),
      abandon: (run, workers) =>
        Effect.sync(() => {
          for (const [stream, known] of runs.get(run) ?? []) {
            for (const news of known.abandon(workers)) tell(run, stream, news)
          }
        }),
      removeRun: (run) => Effect.sync(() => void runs.delete(run)),
      usage: Effect.sync(() =>
        runs
          .values()
          .flatMap((streams) => streams.values())
          .reduce((sum, stream) => sum + stream.usage, 0)
      ),
      subscribe: (run, stream, news, listener) =>
        Effect.acquireRelease(
          Effect.sync(() => channels.subscribe(run, `${news} ${stream}`, () => listener())),
          (unsubscribe) => Effect.sync(unsubscribe)
        ).pipe(Effect.asVoid)
    })
  })
/** The same, with the usual patience. */
export const layer: Layer.Layer<Streams> = layerOf({})
