/**
 * A stream's items as a task gets them: `for await` reads them while their generator still runs, elsewhere.
 *
 * Whatever happens to the stream, the task gets every item once, in order: what is not in the stream (any more) is in the
 * list that its producer stores if a reader needs it; where that is not to be had either, this worker runs the generator
 * itself, passing over what the task has had.
 */
import { Codec, Instance, type InstanceId } from "@weft/core"
import type { StoreError, StreamState, Streams } from "@weft/storage"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Scope from "effect/Scope"
import { idleUnlessSoon } from "./Engine.ts"
import { valueKey } from "./RunContext.ts"
import { BUFFER } from "./StreamHandle.ts"
import type { Live, WorkerState } from "./WorkerState.ts"

/** What a reader's iteration ends with when the generator has failed. */
export class StreamFailed extends Data.TaggedError("StreamFailed")<{
  /** The streamed node: `decode#3`. */
  readonly node: string
  readonly reason: string
}> {
  override get message() {
    return `${this.node}, whose items it reads, failed: ${this.reason}`
  }
}

/** Items, or why there are none: `end`, or they have to be had `elsewhere`. */
type Batch = ReadonlyArray<Uint8Array> | "end" | "elsewhere"

export class LiveItems implements AsyncIterable<unknown>, Live {
  private readonly state: WorkerState
  private readonly streams: Streams["Service"]
  private readonly stream: InstanceId
  private readonly reader: string
  private readonly generate: () => AsyncIterable<unknown>
  /** Half of what the stream holds: while the task does its work with them, the other half is filled again. */
  private readonly batch: number
  private readonly abort = new AbortController()
  waits = false
  /** How far the task has read; `undefined` if it waits for the list. */
  private position: number | undefined
  private isReading = false
  private hasLeft = false

  /**
   * @param reader the instance that reads
   * @param generate runs the generator, for what cannot be had otherwise
   */
  constructor(
    state: WorkerState,
    streams: Streams["Service"],
    stream: InstanceId,
    reader: InstanceId,
    generate: () => AsyncIterable<unknown>
  ) {
    this.state = state
    this.streams = streams
    this.stream = stream
    this.reader = String(reader)
    this.generate = generate
    const { buffer = BUFFER } = state.context.streamed.get(Instance.nodeOf(stream)) ?? {}
    this.batch = Math.ceil(buffer / 2)
    state.live.add(this)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown> {
    const scope = Scope.makeUnsafe()
    let at = 0
    try {
      const wake = Latch.makeUnsafe(false)
      await this.run(this.follow(wake).pipe(Scope.provide(scope)))
      for (;;) {
        const batch = await this.run(this.next(at, wake))
        if (batch === "end") return
        if (batch === "elsewhere") break
        for (const bytes of batch) {
          at++
          yield Codec.decode(bytes)
        }
      }
    } finally {
      this.isReading = false
      await Effect.runPromise(Effect.andThen(Scope.close(scope, Exit.void), this.leave))
    }
    yield* this.elsewhere(at)
  }

  get close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.abort.abort(new Error("the task that reads these items has ended"))
      return this.hasLeft ? Effect.void : this.leave
    })
  }

  private get leave(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.hasLeft = true
      // Another worker reads them again.
      if (this.state.limit?.isReached) return Effect.void
      return Effect.ignore(this.streams.leave(this.state.run, this.stream, this.reader))
    })
  }

  private run<A, E>(effect: Effect.Effect<A, E>): Promise<A> {
    return Effect.runPromise(effect, { signal: this.abort.signal })
  }

  /** Hears of what is new, and gives signs of life while the task does other things than wait. */
  private follow(wake: Latch.Latch): Effect.Effect<void, StoreError, Scope.Scope> {
    return Effect.gen({ self: this }, function* () {
      this.isReading = true
      this.hasLeft = false
      this.position = 0
      yield* this.streams.subscribe(this.state.run, this.stream, "items", () => wake.openUnsafe())
      const beat = Effect.suspend(() => (this.mayBeWaitedFor ? this.read(0) : Effect.void))
      yield* Effect.forkScoped(
        Effect.forever(Effect.andThen(Effect.sleep(this.streams.lifeMs / 3), Effect.ignore(beat)))
      )
    })
  }

  /**
   * A task that waits for one stream must hold up no other: two producers of which each waits until the other's items are
   * read would wait for ever.
   */
  private get mayBeWaitedFor(): boolean {
    return this.isReading && [...this.state.live].every((other) => other === this || !other.waits)
  }

  private read(max: number): Effect.Effect<StreamState, StoreError> {
    return Effect.suspend(() =>
      this.streams.read(this.state.run, this.stream, {
        reader: this.reader,
        worker: this.state.worker,
        from: this.position,
        max
      })
    )
  }

  private next(at: number, wake: Latch.Latch): Effect.Effect<Batch, StoreError | StreamFailed> {
    return Effect.gen({ self: this }, function* () {
      this.position = at
      for (;;) {
        wake.closeUnsafe()
        const state = yield* this.read(this.batch)
        if (state.items.length > 0) return state.items
        const known = this.judge(at, state)
        if (known === "failed") {
          return yield* new StreamFailed({
            node: this.state.context.label(this.stream),
            reason: state.error ?? "no reason given"
          })
        }
        if (known !== undefined) return known
        if (at < state.first) this.position = undefined
        this.waits = true
        const came = Effect.asVoid(Effect.timeoutOption(wake.await, this.streams.lifeMs / 3))
        yield* idleUnlessSoon(this.state.host, came)
        this.waits = false
      }
    })
  }

  /** What a stream without items for us means; `undefined`: wait. */
  private judge(
    at: number,
    { first, status, total, whole }: StreamState
  ): "end" | "elsewhere" | "failed" | undefined {
    if (status === "failed") return "failed"
    if (status !== "open") return total === at ? "end" : "elsewhere"
    return at < first && !whole ? "elsewhere" : undefined
  }

  /** The rest, from the stored list or the generator itself. */
  private async *elsewhere(at: number): AsyncGenerator<unknown> {
    const { objects, run } = this.state
    const [bytes] = await this.run(objects.get(run, [valueKey(this.stream)]))
    if (bytes !== undefined) {
      yield* (Codec.decode(bytes) as ReadonlyArray<unknown>).slice(at)
      return
    }
    let passed = 0
    for await (const item of this.generate()) if (passed++ >= at) yield item
  }
}
