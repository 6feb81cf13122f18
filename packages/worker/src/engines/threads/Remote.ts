/**
 * The stores as a thread has them: every operation is a message to the main thread.
 */
import { threadId } from "node:worker_threads"
import { Coordination, History, LIFE_MS, ObjectStore, StoreError, Streams } from "@weft/storage"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type Answer, type Call, portable, type ServiceName, unwrap, wrap } from "./Protocol.ts"

/** What only the run's client does. */
const notFromHere = Effect.die(new Error("a worker may not ask for this"))

/** Larger values are shared with the main thread, and so better objects, whatever the store there likes. */
const INLINE_BYTES = 65_536

/** Calls that wait for an answer, and subscriptions. */
export class Remote {
  private readonly post: (message: Call) => void
  private readonly calls = new Map<number, (effect: Effect.Effect<unknown, StoreError>) => void>()
  private readonly listeners = new Map<string, (message: never) => void>()
  private count = 0

  constructor(post: (message: Call) => void) {
    this.post = post
  }

  receive(message: Answer): void {
    switch (message.type) {
      case "answer":
        this.settle(message.call, Effect.succeed(unwrap(message.value)))
        break
      case "failed":
        this.settle(message.call, Effect.fail(new StoreError(message.error)))
        break
      case "message":
        this.listeners.get(message.subscription)?.(message.message as never)
    }
  }

  private settle(call: number, effect: Effect.Effect<unknown, StoreError>) {
    const resume = this.calls.get(call)
    this.calls.delete(call)
    resume?.(effect)
  }

  private call<A>(
    service: ServiceName,
    method: string,
    args: readonly [string, ...ReadonlyArray<unknown>]
  ): Effect.Effect<A, StoreError> {
    return Effect.callback<unknown, StoreError>((resume) => {
      const call = this.count++
      this.calls.set(call, resume)
      this.post({ type: "call", run: args[0], call, service, method, args: wrap(service, args) })
      return Effect.sync(() => void this.calls.delete(call))
    }) as Effect.Effect<A, StoreError>
  }

  readonly coordination: Coordination["Service"] = Coordination.of({
    inlineBytes: INLINE_BYTES,
    begin: () => notFromHere,
    load: (run) => this.call("coordination", "load", [run]),
    complete: (...args) => this.call("coordination", "complete", args),
    keep: (...args) => this.call("coordination", "keep", args),
    adopt: (...args) => this.call("coordination", "adopt", args),
    renew: (...args) => this.call("coordination", "renew", args),
    attach: (...args) => this.call("coordination", "attach", args),
    detach: (...args) => this.call("coordination", "detach", args),
    abandon: (...args) => this.call("coordination", "abandon", args),
    fail: (...args) => this.call("coordination", "fail", args),
    cancel: (...args) => this.call("coordination", "cancel", args),
    read: (...args) => this.call("coordination", "read", args),
    waits: (...args) => this.call("coordination", "waits", args),
    state: (...args) => this.call("coordination", "state", args),
    runs: notFromHere,
    remove: (...args) => this.call("coordination", "remove", args),
    usage: notFromHere,
    publish: (run, channel, message) =>
      Effect.sync(() => this.post({ type: "publish", run, channel, message })),
    subscribe: (run, channel, listener) =>
      this.listen(run, listener, (subscription) => ({ type: "subscribe", subscription, run, channel }))
  })

  /** Calls `listener` with what the subscription that `call` asks for brings, until the scope closes. */
  private listen(
    run: string,
    listener: (message: never) => void,
    call: (subscription: string) => Call
  ): Effect.Effect<void, never, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.sync(() => {
        const subscription = `${threadId}:${this.count++}`
        this.listeners.set(subscription, listener)
        this.post(call(subscription))
        return subscription
      }),
      (subscription) =>
        Effect.sync(() => {
          this.listeners.delete(subscription)
          this.post({ type: "unsubscribe", run, subscription })
        })
    ).pipe(Effect.asVoid)
  }

  readonly objects: ObjectStore["Service"] = ObjectStore.of({
    put: (run, key, bytes) => this.call("objects", "put", [run, key, portable(bytes)]),
    get: (...args) => this.call("objects", "get", args),
    remove: (...args) => this.call("objects", "remove", args),
    removeRun: (...args) => this.call("objects", "removeRun", args),
    usage: notFromHere
  })

  readonly streams: Streams["Service"] = Streams.of({
    lifeMs: LIFE_MS,
    append: (...args) => this.call("streams", "append", args),
    read: (...args) => this.call("streams", "read", args),
    leave: (...args) => this.call("streams", "leave", args),
    abandon: (...args) => this.call("streams", "abandon", args),
    removeRun: (...args) => this.call("streams", "removeRun", args),
    usage: notFromHere,
    subscribe: (run, stream, news, listener) =>
      this.listen(run, listener, (subscription) => ({ type: "follow", subscription, run, stream, news }))
  })

  readonly history: History["Service"] = History.of({
    record: () => notFromHere,
    runs: () => notFromHere,
    unreadable: notFromHere,
    details: () => notFromHere,
    remove: () => notFromHere,
    prune: () => notFromHere,
    summaries: () => notFromHere,
    replace: () => notFromHere,
    keys: notFromHere,
    removeSummaries: () => notFromHere,
    upload: (...args) => this.call("history", "upload", args),
    batches: () => notFromHere
  })
}
