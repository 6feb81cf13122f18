/**
 * The stores as a process reaches them: calls take time, and what the adversary decides happens to them. What arrives
 * takes effect at once and whole, as one atomic step of the store, whether or not the caller still lives.
 */
import { type Coordination, type Message, type ObjectStore, type Reply, StoreError } from "@weft/storage"
import { coordinationVia, objectsVia, type Process, type Via, type World } from "@weft/worker/virtual"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Adversary } from "./Adversary.ts"

/** The stores themselves: their operations take no time. */
export interface RealStores {
  readonly coordination: Coordination["Service"]
  readonly objects: ObjectStore["Service"]
}

export interface NetworkOptions {
  /** How long a message takes at most, mostly, in ms. */
  readonly latencyMs: number
  /** Values of up to so many bytes are kept inline. */
  readonly inlineBytes: number
}

export class Network {
  readonly world: World
  private readonly real: RealStores
  private readonly adversary: Adversary
  private readonly options: NetworkOptions
  /** How many requests are on their way. */
  inFlight = 0
  calls = 0
  /** Whether the run was removed: from then on nothing may be begun or put that nobody waits for. */
  isRemoved = false

  constructor(world: World, real: RealStores, adversary: Adversary, options: NetworkOptions) {
    this.world = world
    this.real = real
    this.adversary = adversary
    this.options = options
  }

  /** How long one way takes, in ms: now and then long, so that later ones overtake it. */
  latency(): number {
    const { latencyMs } = this.options
    return latencyMs * this.world.random() * (this.world.random() < 0.03 ? 20 : 1)
  }

  /** Makes calls of a store go through the network. */
  private viaOf(process: Process): Via {
    return <Args extends ReadonlyArray<unknown>, A>(
      operation: string,
      act: (...args: Args) => Effect.Effect<A, StoreError>
    ) =>
      (...args: Args) =>
        this.call(process, operation, () => Effect.runSync(act(...args)), args)
  }

  coordinationOf(process: Process): Coordination["Service"] {
    const { coordination } = this.real
    const via = this.viaOf(process)
    return {
      inlineBytes: this.options.inlineBytes,
      ...coordinationVia(coordination, via),
      publish: (run, channel, message) =>
        Effect.sync(() => {
          if (!process.isAlive || process.isCut) return
          this.send(() => Effect.runSync(coordination.publish(run, channel, message)), this.latency())
        }),
      subscribe: (run, channel, listener) =>
        Effect.acquireRelease(
          this.call(process, "subscribe", () => this.subscribe(process, run, channel, listener), [channel]),
          (unsubscribe) => Effect.sync(unsubscribe)
        ).pipe(Effect.asVoid)
    }
  }

  objectsOf(process: Process): ObjectStore["Service"] {
    return objectsVia(this.real.objects, this.viaOf(process))
  }

  /** What is sent arrives, whatever becomes of the sender. */
  private send(act: () => void, ms: number) {
    this.inFlight++
    this.world.after(ms, () => {
      this.inFlight--
      act()
    })
  }

  private call<A>(
    process: Process,
    operation: string,
    act: () => A,
    args: ReadonlyArray<unknown>
  ): Effect.Effect<A, StoreError> {
    return Effect.callback<A, StoreError>((resume) => {
      if (!process.isAlive) return
      const { adversary, world } = this
      this.calls++
      let isGivenUp = false
      const waiting = `${operation} since ${world.now.toFixed(2)} ms`
      process.waits.add(waiting)
      const done = (answer: Effect.Effect<A, StoreError>) =>
        process.deliver(() => {
          process.waits.delete(waiting)
          resume(answer)
        })
      /** What arrives takes effect; what that gives, and what is noted of it. */
      const effect = (how = ""): A => {
        // Who gives up an upload breaks it off; what begins a run, or puts something, is not under way for ever.
        if (operation === "put" && (isGivenUp || (this.isRemoved && !process.isAlive))) return undefined as A
        if (operation === "begin" && this.isRemoved) return GONE as A
        const answer = act()
        if (operation === "remove") this.isRemoved = true
        world.note(() => `${process.name} ${operation}${how} ${shown(args)} → ${shown(answer)}`)
        return answer
      }
      const fail = (detail: string, ms: number) =>
        this.send(() => {
          if (process.isAlive) world.note(() => `${process.name} ${operation} fails: ${detail}`)
          done(Effect.fail(new StoreError({ reason: "unavailable", operation, detail })))
        }, ms)
      const answer = (value: A) => this.send(() => done(Effect.succeed(value)), this.latency())
      const fault = adversary.onCall()
      const ms = fault?.forMs ?? 0

      const away = Math.max(process.cutFor, adversary.awayUntil - world.now)
      if (away > 0) {
        // Who is cut off is told so at once, or in the end, or is answered then.
        const kind = world.choose(4)
        if (kind < 2) fail("no connection", world.random() * 50)
        else if (kind === 2) fail("the connection was cut", away)
        else this.send(() => answer(effect(" after the cut")), away)
      } else
        switch (fault?.kind) {
          case "crash-before":
          case "crash-after":
            if (fault.kind === "crash-after") effect(" then crash")
            else world.note(() => `${process.name} crashes before ${operation} ${shown(args)}`)
            if (adversary.mayKill(process)) process.crash()
            else fail("the connection broke", 1)
            break
          case "lose-request":
            fail("the request was lost", this.latency() + ms)
            break
          case "lose-answer":
            this.send(() => {
              effect(" unanswered")
              fail("the answer was lost", ms)
            }, this.latency())
            break
          case "late-request":
            fail("the request was lost", this.latency())
            this.send(() => void (this.isRemoved || effect(" late")), ms)
            break
          case "double-call":
            this.send(() => {
              effect(" first of two")
              this.send(() => answer(effect(" second of two")), this.latency())
            }, this.latency())
            break
          case "slow-call":
            this.send(() => answer(effect(" slowly")), this.latency() + ms)
            break
          default:
            this.send(() => answer(effect()), this.latency())
        }
      return Effect.sync(() => {
        process.waits.delete(waiting)
        isGivenUp = true
      })
    })
  }

  private subscribe(process: Process, run: string, channel: string, listener: (message: Message) => void) {
    const scope = Scope.makeUnsafe()
    let isOpen = true
    const hear = (message: Message, ms: number) =>
      this.world.after(ms, () => {
        if (isOpen && !process.isCut) process.deliver(() => isOpen && listener(message))
      })
    const arrive = (message: Message) => {
      if (message.type !== "wake" && message.type !== "ended" && message.type !== "lost") return
      const fault = this.adversary.onMessage()
      if (fault?.kind === "lose-message") return
      hear(message, this.latency() + (fault?.kind === "slow-message" ? fault.forMs : 0))
      if (fault?.kind === "double-message") hear(message, this.latency() + fault.forMs)
    }
    Effect.runSync(Scope.provide(this.real.coordination.subscribe(run, channel, arrive), scope))
    const close = () => {
      if (!isOpen) return
      isOpen = false
      Effect.runSync(Scope.close(scope, Exit.void))
    }
    process.onEnd(close)
    return close
  }
}

/** What who begins a run too late is told. */
const GONE: Reply = { now: 0, status: "gone", ready: [], invoke: [], refused: [], dropped: [] }

/** What is noted of arguments and answers: short, and the same in each repetition. */
const shown = (value: unknown): string => {
  const text = JSON.stringify(value, (key, one: unknown) =>
    isBytes(one)
      ? `<${one.data.length}>`
      : key === "measure" || key === "now" || typeof one === "function"
        ? undefined
        : one
  )
  return text === undefined ? "" : text.length > 600 ? `${text.slice(0, 600)}…` : text
}

/** What JSON makes of a Buffer before anybody is asked. */
const isBytes = (value: unknown): value is { readonly data: ReadonlyArray<number> } =>
  typeof value === "object" && value !== null && "type" in value && value.type === "Buffer" && "data" in value
