/**
 * Streaming: a node whose generator's items go to their readers while it runs.
 *
 * Such a node is complete as soon as its first items are in the stream; so its readers become ready, and are handed off
 * to others. The worker goes on taking items from the generator. They travel in batches: what is yielded while one is on
 * its way is the next. A generator that ends before its first batch is sent is collected like any other.
 *
 * The generator waits when living readers have not read `buffer` items; while it waits it takes up no worker's place. For
 * readers that are not there nobody waits: the worker keeps what they will need, and in the end stores the list.
 */
import { Codec, Graph, Instance, Plan } from "@weft/core"
import type { Appended, StoreError, StreamEnd, Streams } from "@weft/storage"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import { type EngineError, idleUnlessSoon } from "../Engine.ts"
import type { Work } from "../Invocation.ts"
import { OutOfTime } from "../Limit.ts"
import { valueKey } from "../RunContext.ts"
import { BUFFER } from "../StreamHandle.ts"
import { RESULT } from "../Values.ts"
import type { NodeFailed, WorkerState } from "../WorkerState.ts"
import type { Executed, Generated, Taker } from "./Execute.ts"
import { Outbox } from "./Outbox.ts"

/** For so long, in ms, nothing is trimmed before all readers have begun that could. */
const HOLD_MS = 1000

/**
 * - `collecting`: nothing was sent yet; the items may become a list
 * - `opening`: the first batch is on its way
 * - `streaming`: the node is complete
 * - `declined`: there is no stream, or it is somebody else's: the items become a list
 * - `over`: the stream has ended, or was taken over by another worker
 */
type Phase = "collecting" | "opening" | "streaming" | "declined" | "over"

type Failures = StoreError | EngineError

export class Producer implements Taker {
  private readonly state: WorkerState
  private readonly streams: Streams["Service"]
  private readonly work: Work
  private readonly completeNow: () => Effect.Effect<void, Failures>
  private readonly buffer: number
  private readonly readers: number
  /** How many readers become ready with this node alone, and can run at the same time. */
  private readonly hold: number
  private phase: Phase = "collecting"
  /** What was yielded, while it may become a list. */
  private values: Array<unknown> = []
  private readonly outbox: Outbox
  private openedAt = 0
  /** Set when the generator has ended, or failed for good. */
  private ending: { readonly error?: string } | undefined
  private broken: Cause.Cause<unknown> | undefined
  /** Whether the generator was told to end before it had. */
  private isCut = false
  private waits = false
  /** Whether readers are farther than is known. */
  private isAdvancing = false
  private sender: Fiber.Fiber<void> | undefined
  /** Something to do for the sender; something new for the generator. */
  private readonly wake = Latch.makeUnsafe(false)
  private readonly news = Latch.makeUnsafe(false)

  /** For a node whose items are streamed. `completeNow` tells coordination that it is complete. */
  static of(
    state: WorkerState,
    work: Work,
    completeNow: () => Effect.Effect<void, Failures>
  ): Producer | undefined {
    const options = state.context.streamed.get(Instance.nodeOf(work.instance))
    return options === undefined || state.streams === undefined
      ? undefined
      : new Producer(state, state.streams, work, completeNow, options.buffer ?? BUFFER)
  }

  private constructor(
    state: WorkerState,
    streams: Streams["Service"],
    work: Work,
    completeNow: () => Effect.Effect<void, Failures>,
    buffer: number
  ) {
    this.state = state
    this.streams = streams
    this.work = work
    this.completeNow = completeNow
    this.buffer = buffer
    const { context, worker } = state
    const { graph, plan } = context
    const node = Instance.nodeOf(work.instance)
    this.readers = context.readersOf(node)
    this.outbox = new Outbox(buffer, this.readers)
    const ready = Graph.neighbours(graph.readers, node).filter((reader) => graph.need[reader] === 1)
    const planned = ready.flatMap((reader) => Plan.workerOf(plan, reader) ?? [])
    // A worker runs one after the other.
    this.hold = ready.length - planned.length + new Set(planned.filter((other) => other !== worker)).size
  }

  /** Whether the node is complete, and its items were streamed. */
  get streamed(): boolean {
    return this.phase === "streaming" || this.phase === "over"
  }

  /** Takes what the generator yields; gives the list, if it was not streamed. A retry yields again what it has. */
  take(generator: Generated, enter: <A>(call: () => A) => A): Effect.Effect<unknown, unknown> {
    const pull = (): PromiseLike<IteratorResult<unknown>> | IteratorResult<unknown> | Failed => {
      try {
        return enter(() => generator.next())
      } catch (error) {
        return new Failed(error)
      }
    }
    const stop = Effect.promise(async () => {
      try {
        await enter(() => generator.return(undefined))
      } catch {
        // Nobody asked for what it does after its last item.
      }
    })
    return Effect.gen({ self: this }, function* () {
      if (this.phase === "collecting") this.values = []
      for (let at = 0; ; at++) {
        const pulled = pull()
        const step = isThenable(pulled) ? yield* settled(pulled) : pulled
        if (step instanceof Failed) return yield* Effect.fail(step.error)
        if (step.done) break
        if (at >= this.count) {
          const refused = this.add(step.value)
          if (refused !== undefined) return yield* Effect.fail(refused.error)
        }
        if (this.sender === undefined) this.sender = yield* Effect.forkDetach(this.sending())
        const turn = this.state.timing.turn()
        if (turn !== undefined) yield* turn
        if (this.isFull) yield* this.room
        if (this.broken !== undefined) return yield* Effect.die(Cause.squash(this.broken))
        if (this.isUnwanted) {
          this.isCut = true
          yield* stop
          break
        }
      }
      return yield* this.finish
    }).pipe(Effect.onInterrupt(() => Effect.sync(() => void Effect.runFork(stop))))
  }

  /** The node's outcome, with what a failure means when others have read the first items. */
  settle(
    executed: Effect.Effect<Executed, NodeFailed | OutOfTime>
  ): Effect.Effect<Executed, NodeFailed | OutOfTime | StoreError> {
    return Effect.catch(executed, (error) =>
      Effect.gen({ self: this }, function* () {
        if (this.phase === "collecting") this.phase = "declined"
        yield* this.opened
        if (!this.streamed) return yield* Effect.fail(error)
        if (error instanceof OutOfTime) {
          // Its readers run the generator themselves for the rest.
          this.isCut = true
          yield* this.end({})
          return { value: undefined, tries: 1 }
        }
        if (this.phase === "streaming" && !this.isUnwanted) {
          // Before its readers hear of it: theirs are not the first failures.
          yield* this.state.coordination.fail(this.state.run, error.failure)
          this.state.status = "failed"
        }
        yield* this.end({ error: error.failure.message })
        return { value: undefined, tries: 1 }
      })
    ).pipe(
      Effect.ensuring(
        Effect.suspend(() => {
          this.state.streaming = false
          return this.sender === undefined ? Effect.void : Fiber.interrupt(this.sender)
        })
      )
    )
  }

  private get count(): number {
    return this.phase === "collecting" || this.phase === "declined" ? this.values.length : this.outbox.count
  }

  private add(value: unknown): Failed | undefined {
    const at = this.count
    if (this.phase !== "streaming" && this.phase !== "over") this.values.push(value)
    if (this.phase === "collecting" || this.phase === "declined") return undefined
    try {
      this.outbox.add(Codec.encode(value, [...RESULT, at]))
    } catch (error) {
      return new Failed(error)
    }
    this.wake.openUnsafe()
    return undefined
  }

  /** No reader needs any more; or somebody else produces the stream. */
  private get isUnwanted(): boolean {
    return this.isOver || this.outbox.isUnwanted || this.state.status !== "running"
  }

  private get isOver(): boolean {
    return this.phase === "over"
  }

  private get isFull(): boolean {
    return this.phase === "streaming" && this.outbox.isFull && !this.isUnwanted
  }

  /** Waits until the readers have read, or are not there any more. */
  private get room(): Effect.Effect<void> {
    return this.idle(() => !this.isFull)
  }

  /** Waits until the first batch was sent, if it is on its way. */
  private get opened(): Effect.Effect<void> {
    return this.idle(() => this.phase !== "opening")
  }

  private idle(until: () => boolean): Effect.Effect<void> {
    const wait = Effect.gen({ self: this }, function* () {
      while (!until() && this.broken === undefined) {
        this.news.closeUnsafe()
        yield* this.news.await
      }
      this.waits = false
    })
    return Effect.suspend(() => {
      if (until()) return Effect.void
      this.waits = true
      this.wake.openUnsafe()
      return idleUnlessSoon(this.state.host, wait)
    })
  }

  /** The generator has ended. */
  private get finish(): Effect.Effect<unknown> {
    return Effect.gen({ self: this }, function* () {
      if (this.phase === "collecting") this.phase = "declined"
      yield* this.opened
      if (this.streamed) yield* this.end({})
      if (this.broken !== undefined) return yield* Effect.die(Cause.squash(this.broken))
      return this.streamed ? undefined : this.values
    })
  }

  private end(ending: { readonly error?: string }): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.ending = ending
      this.wake.openUnsafe()
      return this.sender === undefined
        ? Effect.void
        : idleUnlessSoon(this.state.host, Effect.asVoid(Fiber.await(this.sender)))
    })
  }

  private sending(): Effect.Effect<void> {
    return Effect.scoped(
      Effect.gen({ self: this }, function* () {
        if (this.phase !== "collecting" || !(yield* this.open)) return
        yield* this.streams.subscribe(this.state.run, this.work.instance, "readers", () => {
          this.isAdvancing = true
          if (this.waits || this.ending !== undefined || this.outbox.isBehind) this.wake.openUnsafe()
        })
        while (!this.isOver) yield* this.turn
      })
    ).pipe(
      Effect.onExit((exit) =>
        Effect.sync(() => {
          if (Exit.isFailure(exit)) this.broken = exit.cause
          this.news.openUnsafe()
        })
      ),
      Effect.ignore
    )
  }

  /** Sends the first batch, and tells that the node is complete; whether it did. */
  private get open(): Effect.Effect<boolean, Failures> {
    return Effect.gen({ self: this }, function* () {
      try {
        for (const [at, value] of this.values.entries()) {
          this.outbox.add(Codec.encode(value, [...RESULT, at]))
        }
      } catch {
        // The list is refused in the end, with the reason.
        this.phase = "declined"
        return false
      }
      this.phase = "opening"
      this.openedAt = this.state.timing.now()
      const appended = yield* this.append(this.outbox.batch(false))
      if (appended.mine) {
        this.state.streaming = true
        yield* this.completeNow()
        this.outbox.learn(appended)
        this.values = []
      }
      this.phase = appended.mine ? "streaming" : "declined"
      this.news.openUnsafe()
      return appended.mine
    })
  }

  /** Sends what there is, learns how far the readers are, and waits until there is something to do. */
  private get turn(): Effect.Effect<void, Failures> {
    return Effect.gen({ self: this }, function* () {
      // What is yielded in the same turn of the event loop goes together.
      if (this.ending === undefined && !this.waits) yield* turned
      this.wake.closeUnsafe()
      const items = this.outbox.batch(this.isAdvancing)
      this.isAdvancing = false
      const appended = yield* this.append(items)
      this.outbox.learn(appended)
      if (!appended.mine) this.phase = "over"
      else if (this.ending !== undefined) {
        const end = this.howToEnd(appended)
        if (end !== undefined) {
          if (end === "stored") yield* this.storeList
          yield* this.append([], end)
          this.phase = "over"
        }
      }
      this.news.openUnsafe()
      if (this.phase === "over" || this.outbox.batch(this.isAdvancing).length > 0) return
      const holding = this.openedAt + HOLD_MS - this.state.timing.now()
      const patience = this.streams.lifeMs / 3
      yield* Effect.timeoutOption(this.wake.await, holding > 0 ? Math.min(patience, holding) : patience)
    })
  }

  private append(items: ReadonlyArray<Uint8Array>, end?: StreamEnd): Effect.Effect<Appended, StoreError> {
    return this.streams.append(this.state.run, this.work.instance, {
      producer: this.state.worker,
      attempt: this.work.attempt,
      at: this.outbox.next,
      items,
      limit: this.buffer,
      readers: this.readers,
      hold: this.state.timing.now() < this.openedAt + HOLD_MS ? this.hold : 0,
      whole: this.outbox.isWhole,
      ...(end === undefined ? {} : { end }),
      ...(end === undefined || this.isCut ? {} : { total: this.count }),
      ...(this.ending?.error === undefined ? {} : { error: this.ending.error })
    })
  }

  /** How the stream ends, by what the readers have and what they can still get; `undefined`: not yet. */
  private howToEnd({ begun, first, left, needed, read }: Appended): StreamEnd | undefined {
    const { isBehind, isTrimmed, isWhole } = this.outbox
    // A reader may come again, for a second pass.
    if (this.isCut) return "lost"
    if (left >= this.readers) return "ended"
    if (this.ending?.error !== undefined) return "failed"
    const isLate = begun < this.readers || (needed !== undefined && needed < first)
    if (!isBehind && !(isLate && isTrimmed)) return "ended"
    if (isWhole && (!isBehind || read === undefined)) return "stored"
    if (!isBehind) return "ended"
    return read === undefined ? "lost" : undefined
  }

  /** Puts the list where the value of a completed node is looked for. */
  private get storeList(): Effect.Effect<void, StoreError> {
    return Effect.suspend(() => {
      const list = this.outbox.whole.map((item) => Codec.decode(item))
      return this.state.objects.put(this.state.run, valueKey(this.work.instance), Codec.encode(list, RESULT))
    })
  }
}

/** What a generator threw. */
class Failed {
  readonly error: unknown
  constructor(error: unknown) {
    this.error = error
  }
}

/** Waits until the event loop comes round. */
const turned: Effect.Effect<void> = Effect.callback((resume) => {
  const due = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(due))
})

const isThenable = (value: object): value is PromiseLike<IteratorResult<unknown>> => "then" in value

const settled = (
  promise: PromiseLike<IteratorResult<unknown>>
): Effect.Effect<IteratorResult<unknown> | Failed> =>
  Effect.callback((resume) => {
    promise.then(
      (step) => resume(Effect.succeed(step)),
      (error: unknown) => resume(Effect.succeed(new Failed(error)))
    )
  })
